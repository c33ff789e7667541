//! `completions`: scripts for bash, zsh and fish, from the table. Names of domains
//! come from the host that the command line names, when they are asked for.

use super::{Command, Group, all};
use crate::connect::Session;
use crate::error::Result;
use crate::options::{Args, Kind, Opt, required};
use crate::output::Reply;
use serde_json::json;

const SHELLS: &[&str] = &["bash", "zsh", "fish"];

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "completions",
    group: Group::Virtxen,
    summary: "print a script that completes virtxen's commands in a shell",
    about: "For bash: source <(virtxen completions bash). For zsh and fish: write the script \
            where they look, as _virtxen and virtxen.fish.",
    options: &[required("shell", Kind::Word(SHELLS), "the shell")],
    run: |session, args| Box::pin(async { completions(session, args) }),
}];

fn completions(_: &Session, args: &Args) -> Result<Reply> {
    let shell = args.required("shell")?;
    let script = match shell {
        "fish" => fish(),
        "zsh" => format!(
            "#compdef virtxen\nautoload -U +X bashcompinit && bashcompinit\n{}",
            bash()
        ),
        _ => bash(),
    };
    Ok(Reply::new(json!({ "shell": shell, "script": script })).text(script))
}

fn shown() -> impl Iterator<Item = &'static Command> {
    all().filter(|command| command.group != Group::Hidden)
}

fn bash() -> String {
    let names: Vec<&str> = shown().map(|command| command.name).collect();
    let mut options = String::new();
    let mut domains = Vec::new();
    for command in shown() {
        let words: Vec<String> = command
            .options
            .iter()
            .map(|option| format!("--{}", option.name))
            .collect();
        options.push_str(&format!(
            "    {}) echo '{}' ;;\n",
            command.name,
            words.join(" ")
        ));
        if command
            .options
            .first()
            .is_some_and(|option| option.kind == Kind::Domain)
        {
            domains.push(command.name);
        }
    }
    BASH.replace("@COMMANDS@", &names.join(" "))
        .replace("@OPTIONS@", options.trim_end())
        .replace("@DOMAINS@", &domains.join("|"))
}

const BASH: &str = r#"_virtxen_options() {
  case "$1" in
@OPTIONS@
  esac
}
_virtxen() {
  local word=${COMP_WORDS[COMP_CWORD]} command= at=1 connect=()
  while [ $at -lt $COMP_CWORD ]; do
    case "${COMP_WORDS[at]}" in
      -c|--connect) connect=(-c "${COMP_WORDS[at+1]}"); at=$((at+1)) ;;
      -t|--timeout) at=$((at+1)) ;;
      -*) ;;
      *) command=${COMP_WORDS[at]}; break ;;
    esac
    at=$((at+1))
  done
  if [ -z "$command" ]; then
    COMPREPLY=($(compgen -W "--connect --json --strict --trace --quiet --timeout --help --version @COMMANDS@" -- "$word"))
    return
  fi
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$(_virtxen_options "$command")" -- "$word")); return ;;
  esac
  case "$command" in
    @DOMAINS@)
      if [ $COMP_CWORD -eq $((at+1)) ]; then
        COMPREPLY=($(compgen -W "$(virtxen "${connect[@]}" -q -t 2 list --all --name 2>/dev/null)" -- "$word"))
        return
      fi ;;
  esac
  COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _virtxen virtxen
"#;

fn fish() -> String {
    let mut text = String::from(
        "complete -c virtxen -f -n __fish_use_subcommand -s c -l connect -x -d 'URI of the host'\n",
    );
    for (name, help) in [
        ("json", "print one JSON document"),
        ("strict", "treat warnings as errors"),
        ("quiet", "print results only"),
        ("help", "print help"),
    ] {
        text.push_str(&format!(
            "complete -c virtxen -f -n __fish_use_subcommand -l {name} -d '{help}'\n"
        ));
    }
    for command in shown() {
        let name = command.name;
        text.push_str(&format!(
            "complete -c virtxen -f -n __fish_use_subcommand -a {name} -d {}\n",
            quoted(command.summary)
        ));
        for option in command.options {
            text.push_str(&fish_option(name, option));
        }
    }
    text
}

fn fish_option(command: &str, option: &Opt) -> String {
    let seen = format!("complete -c virtxen -n '__fish_seen_subcommand_from {command}'");
    let help = quoted(option.help);
    let mut text = match option.kind {
        Kind::Flag => format!("{seen} -f -l {} -d {help}\n", option.name),
        Kind::Word(words) => {
            format!(
                "{seen} -x -l {} -a '{}' -d {help}\n",
                option.name,
                words.join(" ")
            )
        }
        _ => format!("{seen} -r -l {} -d {help}\n", option.name),
    };
    if option.kind == Kind::Domain {
        text.push_str(&format!(
            "{seen} -f -a '(virtxen -q -t 2 list --all --name 2>/dev/null)'\n"
        ));
    }
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
