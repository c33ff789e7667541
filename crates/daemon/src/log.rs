//! The log: where its lines go, which of them, and in which form, as
//! `log_level`, `log_filters` and `log_outputs` of libvirt's daemons say.
//!
//! What is in the lines is up to those who write them. None of them has documents,
//! arguments or proofs in it.

use crate::error::{Error, Result};
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Mutex;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// Filters and outputs that are taken.
const MOST: usize = 64;

/// What is set about the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// The least important lines that are written.
    pub(crate) level: Level,
    /// Other levels for lines of places with this in their names.
    pub(crate) filters: Vec<(Level, String)>,
    /// Where they go, each from a level on.
    pub(crate) outputs: Vec<(Level, Output)>,
    /// Whether a line is an object of JSON.
    pub(crate) json: bool,
    /// What of the settings is not followed.
    pub(crate) warnings: Vec<String>,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Standard error, which systemd passes on to its journal.
    Stderr,
    /// The end of a file.
    File(PathBuf),
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: Level::WARN,
            filters: Vec::new(),
            outputs: vec![(Level::DEBUG, Output::Stderr)],
            json: false,
            warnings: Vec::new(),
        }
    }
}

type Parsed<T> = std::result::Result<T, String>;

impl LogConfig {
    /// Reads `log_level`: 1 for all, 4 for errors only.
    pub(crate) fn set_level(&mut self, number: i64) -> Parsed<()> {
        self.level = level(&number.to_string())?;
        Ok(())
    }

    /// Reads `log_filters`: `3:forward 1:calls`.
    pub(crate) fn set_filters(&mut self, text: &str) -> Parsed<()> {
        self.filters = words(text)?
            .map(|(number, place)| {
                // libvirt adds a trace of the stack at a plus.
                let place = place.trim_start_matches('+').to_owned();
                Ok((level(number)?, place))
            })
            .collect::<Parsed<_>>()?;
        Ok(())
    }

    /// Reads `log_outputs`: `2:file:/var/log/virtxend.log 3:stderr`.
    pub(crate) fn set_outputs(&mut self, text: &str) -> Parsed<()> {
        self.outputs.clear();
        for (number, place) in words(text)? {
            let output = match place.split_once(':').unwrap_or((place, "")) {
                ("stderr", "") => Output::Stderr,
                ("file", path) if path.starts_with('/') => Output::File(path.into()),
                ("journald" | "syslog", _) => {
                    self.warnings.push(format!(
                        "log_outputs: {place} goes to standard error, which systemd passes on"
                    ));
                    Output::Stderr
                }
                _ => {
                    return Err(format!(
                        "'{place}' is none of stderr, journald, syslog:NAME and file:/PATH"
                    ));
                }
            };
            self.outputs.push((level(number)?, output));
        }
        if self.outputs.is_empty() {
            self.outputs = Self::default().outputs;
        }
        Ok(())
    }

    /// Reads `log_format`: `text` or `json`.
    pub(crate) fn set_format(&mut self, text: &str) -> Parsed<()> {
        self.json = match text {
            "text" => false,
            "json" => true,
            other => return Err(format!("'{other}' is neither \"text\" nor \"json\"")),
        };
        Ok(())
    }

    fn allows(&self, metadata: &Metadata<'_>) -> bool {
        let place = metadata.target();
        let mut filters = self.filters.iter();
        let filter = filters.find(|(_, word)| place.contains(word.as_str()));
        *metadata.level() <= filter.map_or(self.level, |(level, _)| *level)
    }

    /// The least important lines that any place may write.
    fn most(&self) -> Level {
        let filters = self.filters.iter().map(|(level, _)| *level);
        filters.fold(self.level, Level::max)
    }

    /// Begins to write the log.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub(crate) fn start(&self) -> Result<()> {
        let layers = self
            .outputs
            .iter()
            .map(|(least, output)| self.layer(*least, output))
            .collect::<Result<Vec<_>>>()?;
        // It was begun already: that is as well.
        let _ = tracing_subscriber::registry().with(layers).try_init();
        Ok(())
    }

    fn layer(
        &self,
        least: Level,
        output: &Output,
    ) -> Result<Box<dyn Layer<Registry> + Send + Sync>> {
        let lines = match output {
            Output::Stderr => self.lines(std::io::stderr),
            Output::File(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                let file = file.map_err(|cause| Error::file(path, &cause))?;
                self.lines(Mutex::new(file))
            }
        };
        let (config, most) = (self.clone(), self.most().min(least));
        let filter = filter_fn(move |metadata| {
            metadata.is_span() || (*metadata.level() <= least && config.allows(metadata))
        });
        let filter = filter.with_max_level_hint(LevelFilter::from_level(most));
        Ok(lines.with_filter(filter).boxed())
    }

    fn lines<W>(&self, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let lines = fmt::layer().with_ansi(false).with_writer(writer);
        if self.json {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            return lines.boxed();
        }
        lines.boxed()
    }
}

fn level(number: &str) -> Parsed<Level> {
    Ok(match number {
        "1" => Level::DEBUG,
        "2" => Level::INFO,
        "3" => Level::WARN,
        "4" => Level::ERROR,
        other => return Err(format!("'{other}' is no level from 1 to 4")),
    })
}

/// Words such as `3:what`, apart.
fn words(text: &str) -> Parsed<impl Iterator<Item = (&str, &str)>> {
    let words: Parsed<Vec<_>> = text
        .split_whitespace()
        .map(|word| {
            word.split_once(':')
                .ok_or_else(|| format!("'{word}' has no level with a colon before it"))
        })
        .collect();
    let words = words?;
    if words.len() > MOST {
        return Err(format!("more than {MOST} words"));
    }
    Ok(words.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_libvirts() {
        let mut log = LogConfig::default();
        log.set_level(2).unwrap();
        log.set_filters("1:forward 4:+tls").unwrap();
        log.set_outputs("1:file:/tmp/x:y 3:stderr 3:syslog:virtxend")
            .unwrap();
        log.set_format("json").unwrap();
        let expected = LogConfig {
            level: Level::INFO,
            filters: vec![
                (Level::DEBUG, "forward".into()),
                (Level::ERROR, "tls".into()),
            ],
            outputs: vec![
                (Level::DEBUG, Output::File("/tmp/x:y".into())),
                (Level::WARN, Output::Stderr),
                (Level::WARN, Output::Stderr),
            ],
            json: true,
            warnings: log.warnings.clone(),
        };
        assert_eq!(log, expected);
        assert_eq!(log.warnings.len(), 1, "syslog is not spoken to");
        assert_eq!(log.most(), Level::DEBUG);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let mut log = LogConfig::default();
        for (error, word) in [
            (log.set_level(5), "'5'"),
            (log.set_filters("forward"), "'forward'"),
            (log.set_outputs("1:file:log"), "'file:log'"),
            (log.set_outputs("9:stderr"), "'9'"),
            (log.set_format("xml"), "'xml'"),
        ] {
            let error = error.unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
