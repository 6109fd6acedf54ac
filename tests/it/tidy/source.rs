//! One source file as `syn` parses it: what it imports and names, its functions, types and docs. What only tests see is
//! left out.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// One leaf of a `use`.
pub struct Import {
    /// From the root of the crate; a glob ends at its module.
    pub path: Vec<String>,
    /// The name that it has in the file; `*` for a glob.
    pub name: String,
    /// Whether others can take it from here.
    pub shown: bool,
}

/// A source file.
pub struct Source {
    /// Like `src/read/format/mod.rs`.
    pub name: String,
    /// The module that it is, from the root of the crate.
    pub module: Vec<String>,
    /// What `use` brings in from the crate.
    pub imports: Vec<Import>,
    /// Paths of more than one part, as they are written in code.
    pub paths: BTreeSet<Vec<String>>,
    /// First parts of all paths in code.
    pub firsts: BTreeSet<String>,
    /// Modules that are files of their own and that it declares.
    pub children: BTreeSet<String>,
    /// Each function with a body, and its number of lines.
    pub functions: Vec<(String, usize)>,
    /// Types and traits that it defines.
    pub types: Vec<String>,
    /// What else it defines at its top.
    pub items: BTreeSet<String>,
    /// Docs of items, fields and variants: the line and the text.
    pub docs: Vec<(usize, String)>,
    /// Whether it has unsafe code.
    pub unsafe_code: bool,
    /// Its number of lines.
    pub lines: usize,
    /// Whether it opens with what it is for.
    pub described: bool,
}

impl Source {
    /// Parses one file.
    pub fn parse(name: &str, text: &str) -> Source {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut source = Source {
            name: name.to_owned(),
            module: module_of(name),
            imports: Vec::new(),
            paths: BTreeSet::new(),
            firsts: BTreeSet::new(),
            children: BTreeSet::new(),
            functions: Vec::new(),
            types: Vec::new(),
            items: BTreeSet::new(),
            docs: Vec::new(),
            unsafe_code: false,
            lines: text.lines().count(),
            described: text.starts_with("//!"),
        };
        let mut reader = Reader { source: &mut source, inside: 0, nested: 0 };
        file.items.iter().for_each(|item| reader.visit_item(item));
        source
    }

    /// Returns a path as it counts from the root of the crate; none for a path that leads elsewhere. A name that is
    /// imported stands for what it was imported as.
    pub fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "tamis" if self.module.first().is_some_and(|of| of == "main" || of == "python") => Vec::new(),
            "self" => self.module.clone(),
            "super" => {
                let climbed = path.iter().take_while(|part| *part == "super").count();
                let mut base = self.module[..self.module.len().checked_sub(climbed)?].to_vec();
                base.extend_from_slice(&path[climbed..]);
                return Some(base);
            }
            _ => {
                if let Some(import) = self.imports.iter().find(|import| import.name == *first) {
                    import.path.clone()
                } else if self.children.contains(first) {
                    self.module.iter().chain([first]).cloned().collect()
                } else {
                    return None;
                }
            }
        };
        base.extend_from_slice(&path[1..]);
        Some(base)
    }
}

fn module_of(name: &str) -> Vec<String> {
    // The package for Python is a crate of its own, whose files lie as in a module.
    let inner = name.trim_start_matches("src/").trim_end_matches(".rs").replacen("python/src/", "python/", 1);
    let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// Whether an item is there for tests only.
fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if attribute.path().is_ident("cfg") => list.tokens.to_string() == "test",
        syn::Meta::Path(path) => path.is_ident("test"),
        _ => false,
    })
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

struct Reader<'a> {
    source: &'a mut Source,
    /// How many functions it is inside of: what is defined there is seen by nobody else.
    inside: usize,
    /// How many modules within the file it is inside of.
    nested: usize,
}

impl Reader<'_> {
    fn defines(&mut self, name: &syn::Ident) {
        if self.inside + self.nested == 0 {
            self.source.items.insert(name.to_string());
        }
    }

    fn defines_type(&mut self, name: &syn::Ident) {
        self.source.types.push(name.to_string());
        self.defines(name);
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let last = block.brace_token.span.close().end().line;
        self.source.functions.push((signature.ident.to_string(), last + 1 - first));
    }

    fn import(&mut self, before: &[String], tree: &UseTree, shown: bool) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.import(&with(&path.ident), &path.tree, shown),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(before, tree, shown)),
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                self.leaf(before.to_vec(), last, shown);
            }
            UseTree::Name(name) => self.leaf(with(&name.ident), name.ident.to_string(), shown),
            UseTree::Rename(rename) => self.leaf(with(&rename.ident), rename.rename.to_string(), shown),
            UseTree::Glob(_) => self.leaf(before.to_vec(), "*".into(), shown),
        }
    }

    /// A path as it counts from the file: `super` in a module within the file is the file itself.
    fn whole_path(&self, mut path: Vec<String>) -> Vec<String> {
        let within = path.iter().take(self.nested).take_while(|part| *part == "super").count();
        if within > 0 {
            let here = within == self.nested && path.get(within).is_none_or(|part| part != "super");
            path.splice(..within, here.then(|| "self".to_owned()));
        }
        path
    }

    fn leaf(&mut self, path: Vec<String>, name: String, shown: bool) {
        let path = self.whole_path(path);
        if let Some(path) = self.source.absolute(&path) {
            self.source.imports.push(Import { path, name, shown });
        }
    }

    fn path(&mut self, parts: Vec<String>) {
        let parts = self.whole_path(parts);
        if let Some(first) = parts.first() {
            self.source.firsts.insert(first.clone());
        }
        if parts.len() > 1 {
            self.source.paths.insert(parts);
        }
    }

    /// Paths among the words of a macro, which is not parsed.
    fn words(&mut self, tokens: &TokenStream) {
        let (mut parts, mut colons): (Vec<String>, usize) = (Vec::new(), 0);
        for token in tokens.clone() {
            match token {
                TokenTree::Ident(word) => {
                    self.source.unsafe_code |= word == "unsafe";
                    if colons != 2 {
                        self.path(std::mem::take(&mut parts));
                    }
                    parts.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.path(std::mem::take(&mut parts));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.words(&group.stream());
                    }
                }
            }
        }
        self.path(parts);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if only_for_tests(attributes_of(item)) {
            return;
        }
        match item {
            Item::Struct(item) => self.defines_type(&item.ident),
            Item::Enum(item) => self.defines_type(&item.ident),
            Item::Trait(item) => {
                self.source.unsafe_code |= item.unsafety.is_some();
                self.defines_type(&item.ident);
            }
            Item::Type(item) => self.defines_type(&item.ident),
            Item::Union(item) => self.defines_type(&item.ident),
            Item::Const(item) => self.defines(&item.ident),
            Item::Static(item) => self.defines(&item.ident),
            Item::Fn(item) => self.defines(&item.sig.ident),
            Item::Impl(item) => self.source.unsafe_code |= item.unsafety.is_some(),
            Item::ForeignMod(_) => self.source.unsafe_code = true,
            Item::Mod(item) if item.content.is_none() => {
                self.source.children.insert(item.ident.to_string());
            }
            Item::Mod(item) => {
                self.defines(&item.ident);
                self.nested += 1;
                visit::visit_item_mod(self, item);
                self.nested -= 1;
                return;
            }
            Item::Use(item) => {
                let shown = !matches!(item.vis, Visibility::Inherited);
                return self.import(&[], &item.tree, shown);
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.body(&item.sig, &item.block);
        self.inside += 1;
        visit::visit_item_fn(self, item);
        self.inside -= 1;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if only_for_tests(&item.attrs) {
            return;
        }
        self.body(&item.sig, &item.block);
        self.inside += 1;
        visit::visit_impl_item_fn(self, item);
        self.inside -= 1;
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.source.unsafe_code |= matches!(signature.safety, syn::Safety::Unsafe(_));
        visit::visit_signature(self, signature);
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.source.unsafe_code = true;
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        self.words(&found.tokens);
        visit::visit_macro(self, found);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value
        {
            let line = text.span().start().line;
            match self.source.docs.last_mut() {
                Some((last, doc)) if *last + doc.lines().count().max(1) == line => {
                    doc.push('\n');
                    doc.push_str(text.value().trim());
                }
                _ => self.source.docs.push((line, text.value().trim().to_owned())),
            }
        }
    }
}

/// Where names of the crate are defined.
pub struct Crate<'a> {
    /// All files, by module.
    pub files: BTreeMap<Vec<String>, &'a Source>,
}

impl<'a> Crate<'a> {
    /// Looks files up by their modules.
    pub fn new(sources: &[&'a Source]) -> Crate<'a> {
        Crate { files: sources.iter().map(|source| (source.module.clone(), *source)).collect() }
    }

    /// Returns the file that defines what a path leads to, through whatever others show of it; none for a module.
    pub fn home(&self, path: &[String]) -> Option<&'a Source> {
        self.look(path, 8)
    }

    fn look(&self, path: &[String], more: usize) -> Option<&'a Source> {
        let longest = (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length]))?;
        let file = self.files[&path[..longest]];
        let name = path.get(longest)?;
        if file.items.contains(name) || more == 0 {
            return Some(file);
        }
        let named = file.imports.iter().find(|import| import.name == *name);
        if let Some(import) = named {
            let rest = &path[longest + 1..];
            return self.look(&[&import.path[..], rest].concat(), more - 1);
        }
        let globs = file.imports.iter().filter(|import| import.name == "*");
        let found = globs.filter_map(|glob| self.look(&[&glob.path[..], &path[longest..]].concat(), more - 1));
        found.into_iter().find(|home| home.items.contains(name)).or(Some(file))
    }

    /// Returns the files whose types, functions or constants a file uses. What it only hands on to others is not used.
    pub fn uses(&self, source: &Source) -> BTreeSet<String> {
        let imported = source.imports.iter().filter(|import| !import.shown || source.firsts.contains(&import.name));
        let imported = imported.filter_map(|import| self.home(&import.path));
        let globs = source.imports.iter().filter(|import| !import.shown && import.name == "*");
        let globs = globs.filter_map(|glob| self.files.get(&glob.path).copied());
        let written = source.paths.iter().filter_map(|path| self.home(&source.absolute(path)?));
        imported.chain(globs).chain(written).map(|home| home.name.clone()).filter(|name| *name != source.name).collect()
    }
}

/// Returns groups of files that lead back to themselves, each as small as it can be told: what is in a group reaches all
/// of the group.
pub fn cycles(arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|from| (from.as_str(), reach(arrows, from))).collect();
    let mut groups: Vec<BTreeSet<String>> = Vec::new();
    for (from, to) in &reached {
        if !to.contains(from) || groups.iter().any(|group| group.contains(*from)) {
            continue;
        }
        let back = to.iter().filter(|other| reached.get(**other).is_some_and(|further| further.contains(from)));
        groups.push(back.map(|other| (*other).to_owned()).collect());
    }
    groups
}

fn reach<'a>(arrows: &'a BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<&'a str> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        for to in arrows.get(at).into_iter().flatten() {
            if reached.insert(to.as_str()) {
                next.push(to);
            }
        }
    }
    reached
}
