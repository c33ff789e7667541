//! Snapshots of thin LVM volumes: volumes of the same pool, beside the volume; and what is
//! put right after a revert that was cut short. Which snapshots a guest has is not known here.

use super::{program, refused};
use crate::Result;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A thin volume.
pub(super) struct Volume {
    group: String,
    name: String,
    /// Folder of LVM's programs; empty for those of `PATH`.
    programs: PathBuf,
}

/// Ends of the names of what a revert has beside a snapshot while it is under way: a copy of it,
/// and the volume as it was.
const PART: &str = ".part";
const OLD: &str = ".old";

/// What is said of block devices that cannot have snapshots.
const ONLY_THIN: &str = "of block devices only thin LVM volumes have snapshots; leave it out with \
    <disk name='…' snapshot='no'/>";

/// Removes the snapshot of a volume that is gone, if it has stayed in the pool.
pub(super) async fn remove_beside(path: &Path, name: &str) -> Result<bool> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".");
    // The device mapper has group-volume in one name, so that their hyphens are doubled.
    match path.starts_with("/dev/mapper") {
        true => beside.push(name.replace('-', "--")),
        false => beside.push(name),
    }
    let beside = PathBuf::from(beside);
    let is_device = |it: &Metadata| it.file_type().is_block_device();
    match tokio::fs::metadata(&beside).await {
        Ok(metadata) if is_device(&metadata) => {
            let volume = Volume::of(&beside, metadata.rdev()).await?;
            volume.remove_volume(&volume.name).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

impl Volume {
    /// The volume that a block device is, by the device's number: there are more paths to
    /// a volume than LVM's programs take.
    pub(super) async fn of(path: &Path, device: u64) -> Result<Self> {
        let select = format!(
            "--select=lv_kernel_major={} && lv_kernel_minor={}",
            rustix::fs::major(device),
            rustix::fs::minor(device)
        );
        let options = "--options=vg_name,lv_name,pool_lv";
        let arguments = ["--noheadings", "--separator=/", options, &select];
        let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        let line = program::run("lvs", path, &arguments).await?;
        let mut words = line.trim().split('/');
        match (words.next(), words.next(), words.next()) {
            (Some(group), Some(name), Some(pool)) if !pool.is_empty() => Ok(Self {
                group: group.to_owned(),
                name: name.to_owned(),
                programs: PathBuf::new(),
            }),
            (Some(group), Some(name), _) => {
                let why = format!("the LVM volume {group}/{name} is not thin: {ONLY_THIN}");
                Err(refused(path, why))
            }
            _ => Err(refused(path, format!("it is no LVM volume: {ONLY_THIN}"))),
        }
    }

    /// The volume that LVM gives a path, which may have no device now.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let path = path.to_str()?;
        let (group, name) = match path.strip_prefix("/dev/mapper/") {
            // Hyphens of both are doubled there, the one between them is not.
            Some(both) => {
                let both = both.replace("--", "/");
                let (group, name) = both.split_once('-')?;
                (group.replace('/', "-"), name.replace('/', "-"))
            }
            None => {
                let (group, name) = path.strip_prefix("/dev/")?.split_once('/')?;
                (group.to_owned(), name.to_owned())
            }
        };
        let fits = |it: &String| !it.is_empty() && it.chars().all(is_in_names);
        (fits(&group) && fits(&name)).then_some(Self {
            group,
            name,
            programs: PathBuf::new(),
        })
    }

    /// Takes back a revert to one of these snapshots that was cut short, and removes what it has
    /// left. What was done; `None` if there was nothing to do. Others may have volumes that are
    /// called as what a revert leaves: only what LVM says was copied from the snapshot is removed,
    /// or what such a copy has replaced.
    pub(super) async fn mend(&self, names: &[String]) -> Result<Option<String>> {
        let volumes = self.volumes().await?;
        let is = |name: &str| volumes.iter().any(|(it, _)| it == name);
        let is_copy = |name: &str, of: &str| volumes.iter().any(|it| it.0 == name && it.1 == of);
        let mut is_there = is(&self.name);
        let (path, mut done) = (self.path(&self.name), Vec::new());
        let kept = names.iter().filter_map(|name| self.kept(name).ok());
        for kept in kept.filter(|it| is(it)) {
            let (part, old) = (format!("{kept}{PART}"), format!("{kept}{OLD}"));
            match (is_there, is(&old), is(&part)) {
                // Cut short between the two names, or when the first could not be given back.
                (false, true, _) => {
                    self.rename(&old, &self.name).await?;
                    self.run("lvchange", &["--activate=y", &path]).await?;
                    if is_copy(&part, &kept) {
                        self.remove_volume(&part).await?;
                    }
                    is_there = true;
                    done.push(format!("{path} is what {old} was, as before it"));
                }
                (true, false, true) if is_copy(&part, &kept) => {
                    self.run("lvchange", &["--activate=y", &path]).await?;
                    self.remove_volume(&part).await?;
                    done.push(format!("{path} is as before it, and {part} removed"));
                }
                (true, true, false) if is_copy(&self.name, &kept) => {
                    self.remove_volume(&old).await?;
                    done.push(format!("{path} is as after it, and {old} removed"));
                }
                // No revert leaves that, or it is somebody else's.
                _ => {}
            }
        }
        Ok((!done.is_empty()).then(|| format!("a revert was cut short: {}", done.join("; "))))
    }

    /// Volumes of the group, each with what it was copied from; none where there is no LVM.
    async fn volumes(&self) -> Result<Vec<(String, String)>> {
        let select = format!("--select=vg_name=\"{}\"", self.group);
        let options = "--options=lv_name,origin";
        let arguments = ["--noheadings", "--separator=/", options, &select];
        let arguments = arguments.map(OsStr::new);
        let subject = self.path(&self.name);
        let lvs = self.program("lvs");
        let said = program::run_if_there(&lvs, Path::new(&subject), &arguments).await?;
        let lines = said.iter().flat_map(|said| said.lines());
        let parts = lines.filter_map(|line| line.trim().split_once('/'));
        Ok(parts
            .map(|(name, origin)| (name.to_owned(), origin.to_owned()))
            .collect())
    }

    /// Keeps the volume as it is. The snapshot is active whenever the volume is.
    pub(super) async fn take(&self, name: &str) -> Result<()> {
        if [PART, OLD].iter().any(|end| name.ends_with(end)) {
            let why = format!("names of snapshots of LVM volumes do not end in {PART} or {OLD}");
            return Err(refused(Path::new(&self.path(&self.name)), why));
        }
        self.copy(&self.name, &self.kept(name)?).await
    }

    /// Goes back to a snapshot: a copy of it takes the volume's place and name. LVM's
    /// merge would use the snapshot up, and merges into what a volume was copied from
    /// only, which after the first time is not this one any more.
    pub(super) async fn revert(&self, name: &str) -> Result<()> {
        let kept = self.kept(name)?;
        let (copy, old) = (format!("{kept}{PART}"), format!("{kept}{OLD}"));
        for name in [&copy, &old] {
            if self.has(name).await? {
                let why = format!("the volume {} is in the way", self.path(name));
                return Err(refused(Path::new(&self.path(&self.name)), why));
            }
        }
        self.copy(&kept, &copy).await?;
        let done = self.replace(&copy, &old).await;
        match done {
            Ok(()) => self.remove_volume(&old).await,
            Err(error) => {
                // What is left of it is in nobody's way.
                let _ = self.remove_volume(&copy).await;
                Err(error)
            }
        }
    }

    /// Gives the volume's name to a copy, and another one to the volume, which nobody may
    /// have open.
    async fn replace(&self, copy: &str, old: &str) -> Result<()> {
        let path = self.path(&self.name);
        self.run("lvchange", &["--activate=n", &path]).await?;
        let renamed = match self.rename(&self.name, old).await {
            Ok(()) => match self.rename(copy, &self.name).await {
                Ok(()) => return Ok(()),
                Err(error) => self.rename(old, &self.name).await.and(Err(error)),
            },
            failed => failed,
        };
        let active = self.run("lvchange", &["--activate=y", &path]).await;
        renamed.and(active)
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.run("lvrename", &[&self.group, from, to]).await
    }

    /// Removes a snapshot.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        self.remove_volume(&self.kept(name)?).await
    }

    /// Removes a volume of the group, if there is one.
    async fn remove_volume(&self, name: &str) -> Result<()> {
        match self.has(name).await? {
            true => self.run("lvremove", &["--yes", &self.path(name)]).await,
            false => Ok(()),
        }
    }

    async fn has(&self, name: &str) -> Result<bool> {
        let select = format!("--select=lv_name=\"{name}\"");
        let arguments = ["--noheadings", "--options=lv_name", &select, &self.group];
        let found = self.said("lvs", &arguments).await?;
        Ok(!found.trim().is_empty())
    }

    async fn copy(&self, from: &str, to: &str) -> Result<()> {
        let from = self.path(from);
        let arguments = ["--snapshot", "--setactivationskip=n", "--name", to, &from];
        self.run("lvcreate", &arguments).await
    }

    async fn run(&self, program: &'static str, arguments: &[&str]) -> Result<()> {
        self.said(program, arguments).await.map(drop)
    }

    async fn said(&self, program: &'static str, arguments: &[&str]) -> Result<String> {
        let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        let subject = self.path(&self.name);
        program::run(&self.program(program), Path::new(&subject), &arguments).await
    }

    fn program(&self, name: &str) -> String {
        self.programs.join(name).display().to_string()
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.group)
    }

    /// The volume of a snapshot. LVM takes few characters in names.
    fn kept(&self, name: &str) -> Result<String> {
        if name.chars().all(is_in_names) && name.len() <= 60 {
            return Ok(format!("{}.{name}", self.name));
        }
        let why = "names of snapshots of LVM volumes have letters, digits and + _ . - only";
        Err(refused(Path::new(&self.path(&self.name)), why))
    }
}

fn is_in_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+_.-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{read_dir, read_to_string, remove_file, write};

    /// The volume `lab/web`, with programs that keep it in a folder.
    fn web(folder: &Path) -> Volume {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lvm.sh");
        for name in ["lvs", "lvcreate", "lvremove", "lvrename", "lvchange"] {
            std::os::unix::fs::symlink(&program, folder.join(name)).unwrap();
        }
        std::fs::create_dir(folder.join("volumes")).unwrap();
        std::fs::create_dir(folder.join("origins")).unwrap();
        Volume {
            programs: folder.to_owned(),
            ..Volume::at(Path::new("/dev/lab/web")).unwrap()
        }
    }

    fn volumes(folder: &Path) -> Vec<String> {
        let all = read_dir(folder.join("volumes")).unwrap();
        let names = all.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_revert_may_be_cut_short_anywhere() {
        let mut mended = 0;
        for steps in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let (folder, web) = (folder.path(), web(folder.path()));
            let volume = folder.join("volumes/web");
            write(&volume, "first").unwrap();
            web.take("off").await.unwrap();
            write(&volume, "second").unwrap();
            write(folder.join("left"), steps.to_string()).unwrap();
            let reverted = web.revert("off").await.is_ok();
            remove_file(folder.join("left")).unwrap();
            let names = ["off".to_owned()];
            let said = web.mend(&names).await.unwrap();
            mended += usize::from(said.is_some());
            assert_eq!(web.mend(&names).await.unwrap(), None, "{steps}: {said:?}");
            assert_eq!(volumes(folder), ["web", "web.off"], "{steps}: {said:?}");
            let now = read_to_string(&volume).unwrap();
            let after = said.as_ref().is_some_and(|it| it.contains("as after it"));
            let wanted = if reverted || after { "first" } else { "second" };
            assert_eq!(now, wanted, "{steps}: {said:?}");
            let is_active = read_to_string(folder.join("active.web"));
            if now == "second" && said.is_some() {
                assert_eq!(is_active.unwrap(), "--activate=y\n", "{steps}");
            }
            web.revert("off").await.unwrap();
            assert_eq!(read_to_string(&volume).unwrap(), "first", "{steps}");
            if reverted {
                assert!(mended > 3, "{mended}");
                return;
            }
        }
    }

    #[tokio::test]
    async fn what_no_revert_has_left_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, web) = (folder.path(), web(folder.path()));
        let there = [
            "web.off",
            "web.off.part",
            "web.on.old",
            "webby",
            "webby.a.old",
        ];
        for name in there {
            write(folder.join("volumes").join(name), name).unwrap();
        }
        let names = ["off".to_owned(), "on".to_owned()];
        assert_eq!(web.mend(&names).await.unwrap(), None);
        for name in ["web", "web.off.old"] {
            write(folder.join("volumes").join(name), name).unwrap();
        }
        assert_eq!(web.mend(&names).await.unwrap(), None);
        assert_eq!(volumes(folder).len(), 7);
        for name in ["a.old", "a.part"] {
            assert!(web.take(name).await.is_err());
        }
        let elsewhere = Volume {
            programs: folder.join("none"),
            ..web
        };
        assert_eq!(elsewhere.mend(&names).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_only_called_as_a_part_of_a_revert_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, web) = (folder.path(), web(folder.path()));
        // Of another guest on `web.db`, and of an administrator.
        let there = [
            "web",
            "web.bak",
            "web.bak.old",
            "web.db.off",
            "web.db.off.old",
            "web.off",
            "web.off.part",
        ];
        for name in there {
            write(folder.join("volumes").join(name), name).unwrap();
        }
        let names = ["bak", "db.off", "off"].map(str::to_owned);
        assert_eq!(web.mend(&names).await.unwrap(), None);
        let why = web.revert("off").await.unwrap_err().to_string();
        assert!(why.contains("lab/web.off.part is in the way"), "{why}");
        assert_eq!(volumes(folder), there);
    }

    #[test]
    fn volumes_are_known_by_their_paths() {
        let named = |path: &str| {
            let volume = Volume::at(Path::new(path))?;
            Some(volume.path(&volume.name))
        };
        assert_eq!(named("/dev/lab/web-1").as_deref(), Some("lab/web-1"));
        let mapper = named("/dev/mapper/my--lab-web--1");
        assert_eq!(mapper.as_deref(), Some("my-lab/web-1"));
        for path in [
            "/dev/sda",
            "/srv/lab/web",
            "/dev/disk/by-id/a",
            "/dev/la\"b/web",
        ] {
            assert_eq!(named(path), None, "{path}");
        }
    }
}
