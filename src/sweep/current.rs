//! The current version as a sweep needs it: manifest, table and state agree on it, and its companions can be read.

use super::scene::Scene;
use crate::decide::ReviewedVersion;
use crate::error::{Code, Error, Result};
use crate::evidence::manifest::File;
use crate::evidence::{Manifest, changed, has_digest};
use crate::gates::Gate;
use crate::job::CompanionFiles;
use crate::monitor::Monitor;
use crate::publish::{self, CompanionGroup, CompanionPart, Companions};
use crate::state::{Current, Dataset};
use crate::treatments::Treat;

/// A version and everything that is known of it.
pub struct PublishedVersion<'a> {
    /// As state has it.
    pub(super) current: Current,
    /// As the table has it.
    pub(super) table: publish::CurrentTable,
    /// What was said of it.
    pub(super) manifest: Manifest,
    /// Name and companion of each file.
    pub(super) files: Vec<(String, String)>,
    /// Its companions, file by file: what links are followed over.
    pub companions: CompanionFiles<'a>,
    /// BLAKE3 of each file.
    pub(super) digests: Vec<String>,
    keeps: Vec<String>,
}

impl<'a> PublishedVersion<'a> {
    /// Finds the current version; none before the first.
    ///
    /// # Errors
    /// Evidence, when table, manifest and record are not of one version, a companion is not the one that the manifest
    /// names, or the token key is not the epoch's.
    pub fn find(scene: &Scene<'a>, dataset: &Dataset) -> Result<Option<PublishedVersion<'a>>> {
        let Some(current) = dataset.current.clone() else { return Ok(None) };
        let manifest = scene.state.manifest(&current.run, current.attempt, &current.manifest)?;
        scene.state.check_epoch(&manifest.keys.epoch, &manifest.keys.token)?;
        let table = publish::current(scene.target.lake, scene.target.path)?;
        if let Some(newer) = table.as_ref().filter(|table| table.version > current.version) {
            let what = format!(
                "{}: another run or sweep of tamis published version {} meanwhile",
                dataset.dataset, newer.version
            );
            return Err(Error::new(Code::Overtaken, what).help("start it again: it continues from that version"));
        }
        let Some(table) = table.filter(|t| t.version == current.version && t.manifest == current.manifest) else {
            return Err(Error::new(
                Code::TableApart,
                format!("{}: table and state are not at one version", dataset.dataset),
            )
            .help("run or sweep again; when that does not help, compare them: `tamis verify`"));
        };
        let prefix = format!("{}/", scene.target.path);
        let name = |path: &str| path.strip_prefix(&prefix).map(str::to_string);
        let files = current.files.iter().map(|file| Some((name(&file.path)?, file.companion.clone())));
        let files: Vec<(String, String)> = files.collect::<Option<_>>().unwrap_or_default();
        if files.len() != table.files.len() || files.len() != current.files.len() {
            return Err(Error::new(Code::TableApart, format!("{}: table and state name other files", dataset.dataset))
                .help("compare them: `tamis verify`"));
        }
        let keeps = manifest.fields.iter().filter(|f| f.keep.is_some()).map(|f| f.name.clone()).collect();
        let digests = |files: &[File], paths: &mut dyn Iterator<Item = &str>| -> Option<Vec<String>> {
            let named = |path| files.iter().find(|file| file.path == path).map(|file| file.blake3.clone());
            (files.len() == current.files.len()).then(|| paths.map(named).collect()).flatten()
        };
        let data = digests(&manifest.output.files, &mut current.files.iter().map(|file| file.path.as_str()));
        let paths = files.iter().map(|(_, companion)| companion.as_str());
        let of_companions = digests(&manifest.output.companions, &mut paths.clone());
        let Some((digests, of_companions)) = data.zip(of_companions) else {
            return Err(Error::new(
                Code::TableApart,
                format!("{}: manifest and state name other files", dataset.dataset),
            )
            .help("compare them: `tamis verify`"));
        };
        let named = paths.map(str::to_string).zip(of_companions).collect();
        let companions = CompanionFiles::named(scene.state.root(), named)?;
        Ok(Some(PublishedVersion { current, table, manifest, files, digests, companions, keeps }))
    }

    /// Compares files that are about to leave the version with their BLAKE3, before anything is written: also those of which
    /// no row stays, so that nobody reads them again.
    ///
    /// # Errors
    /// Evidence, for a file that is gone or another one; storage errors.
    pub(super) fn check_files(&self, scene: &Scene<'_>, places: &[usize], monitor: &dyn Monitor) -> Result<()> {
        for place in places {
            monitor.proceed()?;
            let path = scene.target.file(&self.files[*place].0);
            if !has_digest(scene.target.lake, &path, &self.digests[*place])? {
                return Err(changed(&scene.target.lake.display(&path)));
            }
        }
        Ok(())
    }

    /// Whether readers still see this version.
    ///
    /// # Errors
    /// Storage errors.
    pub fn is_current(&self, scene: &Scene<'_>) -> Result<bool> {
        publish::is_current(scene.target.lake, scene.target.path, &self.table)
    }

    /// Columns with a `keep` of their own, in the order of the companions' dates.
    pub(super) fn keeps(&self) -> &[String] {
        &self.keeps
    }

    /// Per field of which companions hold hashes, its place among those: quasi-identifiers, then sensitive fields.
    pub(super) fn quasi_keeps(&self) -> Vec<Option<usize>> {
        let names = self.manifest.gates.iter().flat_map(Gate::quasi_identifiers).chain(self.sensitive());
        names.map(|name| self.keeps.iter().position(|keep| keep == name)).collect()
    }

    /// Per field with a `keep` of its own, the number of the other person that it is about (R68).
    pub(super) fn others(&self) -> Vec<Option<usize>> {
        let kept = self.manifest.fields.iter().filter(|field| field.keep.is_some());
        kept.map(|field| field.other.and_then(|number| usize::try_from(number).ok())).collect()
    }

    /// Fields whose values have to differ within groups.
    pub(super) fn sensitive(&self) -> impl Iterator<Item = &String> {
        self.manifest.gates.iter().flat_map(Gate::sensitive)
    }

    /// Gates over groups as the version was published with them: a sweep passes no brake, so new terms wait for a run.
    pub(super) fn gates(&self) -> Vec<Gate> {
        Gate::again(&self.manifest.gates)
    }

    /// Columns that hold tokens.
    pub(super) fn tokens(&self) -> Vec<String> {
        let tokens = self.manifest.fields.iter().filter(|field| field.treat() == Some(Treat::Pseudonymize));
        tokens.map(|field| field.name.clone()).collect()
    }

    /// The column of the subject's token; none of a version that is about nobody.
    ///
    /// # Errors
    /// Evidence, when the manifest does not say which it is.
    pub(super) fn subject(&self) -> Result<Option<&str>> {
        let field = self.manifest.fields.iter().find(|field| field.subject);
        match field {
            Some(field) => Ok(Some(&field.name)),
            None if self.manifest.about_nobody.is_some() => Ok(None),
            None => {
                let what = format!("the manifest of run {} names no subject", self.manifest.run);
                Err(Error::new(Code::StatePartUnreadable, what).help("publish a new version, then sweep"))
            }
        }
    }
}

impl PublishedVersion<'_> {
    fn check(&self, companions: &Companions, file: usize) -> Result<()> {
        if companions.field_untils_and_quasis() == (self.keeps.len(), self.quasi_keeps().len()) {
            return Ok(());
        }
        Err(Error::new(
            Code::CompanionBroken,
            format!("companion {} has other columns than its manifest says", self.files[file].1),
        )
        .help("compare its hash with the manifest: `tamis verify`"))
    }
}

impl ReviewedVersion for PublishedVersion<'_> {
    type Rows = CompanionGroup;

    fn files(&self) -> usize {
        self.files.len()
    }

    fn rules(&self, file: usize, each: &mut dyn FnMut(&CompanionGroup) -> Result<()>) -> Result<()> {
        let mut companions = self.companions.companion(file, CompanionPart::Rules)?;
        self.check(&companions, file)?;
        companions.each(each)
    }

    fn hashes(&self, file: usize, each: &mut dyn FnMut(&CompanionGroup) -> Result<()>) -> Result<()> {
        self.companions.companion(file, CompanionPart::Hashes)?.each(each)
    }
}
