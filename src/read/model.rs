//! The names of columns in a file beside an export, in formats whose files have no header (R59): `model.json` as
//! Synapse Link writes it, or `manifest.cdm.json` with the documents of its entities.

use crate::error::{Code, Error, Kind, Result};
use crate::policy::ModelFile;
use crate::same_name::normal;
use crate::store::{Object, Root, from_io};
use serde::Deserialize;
use std::io::Read;

/// The longest file that is read for names.
const MOST_BYTES: u64 = 64 << 20;
/// What such files are called where nobody says it.
const MODELS: [&str; 3] = ["model.json", "default.manifest.cdm.json", "manifest.cdm.json"];
/// Entities named in a message.
const TOLD: usize = 20;

/// `model.json` and `manifest.cdm.json`, as far as they say names.
#[derive(Deserialize)]
struct Model {
    entities: Vec<Entity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    #[serde(alias = "entityName")]
    name: String,
    /// Columns as `model.json` lists them.
    attributes: Option<Vec<Attribute>>,
    /// In a manifest: a document, and the name of its definition.
    entity_path: Option<String>,
}

#[derive(Deserialize)]
struct Attribute {
    name: String,
}

/// The document of an entity in the Common Data Model.
#[derive(Deserialize)]
struct EntityDocument {
    definitions: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    #[serde(default)]
    entity_name: String,
    #[serde(default)]
    has_attributes: Vec<Attribute>,
}

/// Reads the names of an object's columns from the file that lies in its folder, or in the nearest folder above.
///
/// # Errors
/// An input error when there is no such file, it makes no sense or does not have the entity; storage errors.
pub(super) fn names(root: &Root, object: &Object, model: &ModelFile) -> Result<Vec<String>> {
    let found = nearest(root, object, &model.name)?.ok_or_else(|| {
        let what = format!("{}: no {} lies beside it or in a folder above", root.display(&object.path), model.name);
        let help = "put the file with the names of the columns there, or name them in read.names of the source";
        Error::new(Code::HeaderMissing, what).help(help)
    })?;
    let entities = read::<Model>(root, &found)?.entities;
    let mut named = entities.iter().filter(|entity| entity.name == model.entity);
    let (Some(entity), None) = (named.next(), named.next()) else {
        let names: Vec<&str> = entities.iter().map(|entity| entity.name.as_str()).take(TOLD).collect();
        let twice = entities.iter().any(|entity| entity.name == model.entity);
        let how = if twice { "has more than one" } else { "has no" };
        let what = format!("{} {how} entity {}", root.display(&found.path), model.entity);
        if twice {
            return Err(Error::new(Code::HeaderMissing, what)
                .help("which of them names the columns is not known: have the file written again"));
        }
        return Err(Error::new(Code::HeaderMissing, what)
            .help(format!("check read.entity in the source; it has {}", names.join(", "))));
    };
    let attributes = match (&entity.attributes, &entity.entity_path) {
        (None, Some(path)) => &document(root, &found, path)?,
        (attributes, _) => attributes.as_deref().unwrap_or_default(),
    };
    if attributes.is_empty() {
        let what = format!("{} names no columns of entity {}", root.display(&found.path), model.entity);
        return Err(
            Error::new(Code::HeaderMissing, what).help("have it written again, with the attributes of each entity")
        );
    }
    Ok(attributes.iter().map(|attribute| normal(&attribute.name)).collect())
}

/// Reads the attributes in the document that a manifest names: `FOLDER/FILE/DEFINITION`, relative to the manifest.
fn document(root: &Root, manifest: &Object, path: &str) -> Result<Vec<Attribute>> {
    let place = root.display(&manifest.path);
    let missing = |what: String| {
        Error::new(Code::HeaderMissing, what).help("copy the manifest together with the documents that it names")
    };
    let plain = |path: &str| !path.split('/').any(|step| matches!(step, "" | "." | "..")) && !path.contains(':');
    let (file, definition) = path
        .rsplit_once('/')
        .filter(|(file, _)| plain(file))
        .ok_or_else(|| missing(format!("{place} names the document of an entity in a way that is not read")))?;
    let folder = manifest.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let found = look(root, &beside(folder, file))?
        .ok_or_else(|| missing(format!("{place} names the document {file}, which is not there")))?;
    let definitions = read::<EntityDocument>(root, &found)?.definitions;
    let of = definitions.into_iter().find(|found| found.entity_name == definition);
    let of = of.ok_or_else(|| missing(format!("{} has no definition {definition}", root.display(&found.path))))?;
    Ok(of.has_attributes)
}

/// Returns which entity has the columns of an object whose names are in a file beside or above it: the only one that is
/// called as the object or a folder of it. A file that makes no sense has none.
///
/// # Errors
/// Storage errors.
pub(super) fn entity_of(root: &Root, object: &Object) -> Result<Option<ModelFile>> {
    let called: Vec<&str> = object.path.split('/').map(|step| step.split('.').next().unwrap_or(step)).collect();
    for name in MODELS {
        let Some(found) = nearest(root, object, name)? else { continue };
        let model = match read::<Model>(root, &found) {
            Err(error) if error.kind() == Kind::Input => continue,
            model => model?,
        };
        let mut entities = model.entities.iter().filter(|entity| called.contains(&entity.name.as_str()));
        if let (Some(entity), None) = (entities.next(), entities.next()) {
            return Ok(Some(ModelFile { name: name.to_owned(), entity: entity.name.clone() }));
        }
    }
    Ok(None)
}

/// The object of that name in the folder of another, or in the nearest folder above.
fn nearest(root: &Root, object: &Object, name: &str) -> Result<Option<Object>> {
    let mut folder = object.path.as_str();
    loop {
        folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
        let found = look(root, &beside(folder, name))?;
        if found.is_some() || folder.is_empty() {
            return Ok(found);
        }
    }
}

fn look(root: &Root, path: &str) -> Result<Option<Object>> {
    let listing = root.look_at(path)?;
    match listing.unseen.first() {
        Some(unseen) => Err(unseen.refused()),
        None => Ok(listing.objects.into_iter().next()),
    }
}

fn read<T: for<'a> Deserialize<'a>>(root: &Root, object: &Object) -> Result<T> {
    let place = root.display(&object.path);
    if object.bytes > MOST_BYTES {
        let what = format!("{place} is larger than {} MiB, too large for names of columns", MOST_BYTES >> 20);
        return Err(Error::new(Code::InputTooLarge, what).help("name the columns in read.names of the source"));
    }
    let mut bytes = Vec::new();
    root.open_object(object)?.read_to_end(&mut bytes).map_err(|e| from_io(&place, e))?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    // What the parser says may have the text in it.
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = format!("{place} does not say which entities there are: line {line}, column {column}");
        Error::new(Code::HeaderMissing, what).help("it may be cut short, or still being written: have it written again")
    })
}

fn beside(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}
