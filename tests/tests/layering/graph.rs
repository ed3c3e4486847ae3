//! Determines which files of a crate import each other, from every path that starts with `crate`, `self`, `super` or a child
//! module in `use` items, expressions, types, and the tokens of macro calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, UseTree};

/// A reference from one file to an item in another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The path as written.
    pub(crate) path: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {} -> {} (by `{}`)", self.from, self.to, self.path)
    }
}

/// The files of a crate, relative to its source directory, and one arrow for each pair of files.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) files: BTreeSet<String>,
    pub(crate) arrows: BTreeSet<Arrow>,
}

/// The roots of the two crates that a package can have: `crate::` refers to the root of the crate that contains the file.
const LIBRARY: &str = "lib.rs";
const PROGRAM: &str = "main.rs";

/// The segments of a path, after the root of its crate.
type ModulePath = Vec<String>;

/// A file in the crate.
#[derive(Debug)]
struct Module {
    file: String,
    /// Paths as written, and their segments from the crate root.
    paths: Vec<(String, ModulePath)>,
    /// Names re-exported here with `pub use`, and their paths from the crate root.
    re_exports: BTreeMap<String, ModulePath>,
}

impl Graph {
    /// Parses the crate, starting from `lib.rs` and `main.rs`. Modules behind `#[cfg(test)]` are omitted.
    pub(crate) fn read(sources: &Path) -> Self {
        let mut modules = BTreeMap::new();
        let package = package_name(sources);
        for root in [LIBRARY, PROGRAM] {
            if sources.join(root).exists() {
                read_module(sources, root, &vec![root.to_owned()], &package, &mut modules);
            }
        }
        let files = modules.values().map(|module| module.file.clone()).collect();
        let mut seen = BTreeSet::new();
        let mut arrows = BTreeSet::new();
        for module in modules.values() {
            for (written, path) in &module.paths {
                let target = resolve(&modules, path, 0);
                if let Some(to) = target.filter(|to| *to != module.file)
                    && seen.insert((module.file.clone(), to.clone()))
                {
                    arrows.insert(Arrow { from: module.file.clone(), to, path: written.clone() });
                }
            }
        }
        Self { files, arrows }
    }

    /// The largest set of files that can all reach each other.
    pub(crate) fn largest_cycle(&self) -> Option<BTreeSet<String>> {
        let reachable: BTreeMap<&String, BTreeSet<&String>> =
            self.files.iter().map(|file| (file, self.reachable(file))).collect();
        let cycles = self.files.iter().map(|file| {
            let back = reachable[file].iter().filter(|other| reachable[**other].contains(file));
            back.map(|file| (*file).clone()).collect::<BTreeSet<String>>()
        });
        cycles.filter(|cycle| !cycle.is_empty()).max_by_key(BTreeSet::len)
    }

    fn reachable(&self, from: &String) -> BTreeSet<&String> {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for arrow in self.arrows.iter().filter(|arrow| arrow.from == *file) {
                if found.insert(&arrow.to) {
                    open.push(&arrow.to);
                }
            }
        }
        found
    }
}

/// Modules, keyed by path.
type Modules = BTreeMap<ModulePath, Module>;

/// The file that defines the target of a path: the deepest module on the path, or the target of a re-export in that module.
fn resolve(modules: &Modules, path: &[String], depth: usize) -> Option<String> {
    let known = (1..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
    let here = &modules[&path[..known]];
    if let Some(name) = path.get(known)
        && depth < 10
        && let Some(target) = here.re_exports.get(name)
    {
        let rest = target.iter().chain(&path[known + 1..]).cloned().collect::<ModulePath>();
        return resolve(modules, &rest, depth + 1);
    }
    Some(here.file.clone())
}

/// The crate's name as used in paths, so that references from `main.rs` to its own library are recognised.
fn package_name(sources: &Path) -> String {
    let manifest = sources.parent().map(|folder| folder.join("Cargo.toml")).unwrap_or_default();
    let manifest = fs::read_to_string(manifest).unwrap_or_default();
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
    name.unwrap_or_default().trim_matches('"').replace('-', "_")
}

fn read_module(sources: &Path, file: &str, path: &ModulePath, package: &str, modules: &mut Modules) {
    let source = fs::read_to_string(sources.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let parsed = syn::parse_file(&source).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut reader = Reader { path, package, children: BTreeSet::new(), paths: Vec::new(), re_exports: BTreeMap::new() };
    reader.children = child_modules(&parsed.items).map(|module| module.ident.to_string()).collect();
    reader.visit_file(&parsed);
    let Reader { paths, re_exports, children, .. } = reader;
    modules.insert(path.clone(), Module { file: file.to_owned(), paths, re_exports });
    let folder: PathBuf = path.iter().skip(1).collect();
    for child in children {
        let file = folder.join(format!("{child}.rs"));
        let path = path.iter().cloned().chain([child]).collect();
        read_module(sources, &file.to_string_lossy(), &path, package, modules);
    }
}

fn child_modules(items: &[Item]) -> impl Iterator<Item = &ItemMod> {
    items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() && !is_test(&module.attrs) => Some(module),
        _ => None,
    })
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test")
    })
}

/// Collects the paths in a file.
struct Reader<'a> {
    path: &'a ModulePath,
    package: &'a str,
    children: BTreeSet<String>,
    paths: Vec<(String, ModulePath)>,
    re_exports: BTreeMap<String, ModulePath>,
}

impl Reader<'_> {
    /// The path segments from the crate root; `None` if the path refers to another crate or to imported names.
    fn absolute(&self, segments: &[String]) -> Option<ModulePath> {
        let (first, rest) = segments.split_first()?;
        let mut base = self.path.clone();
        let mut rest = rest;
        match first.as_str() {
            "crate" => base.truncate(1),
            "self" => {}
            "super" => {
                base.pop();
                while let Some(("super", after)) = rest.split_first().map(|(first, after)| (first.as_str(), after)) {
                    base.pop();
                    rest = after;
                }
            }
            name if self.children.contains(name) => rest = segments,
            name if name == self.package && self.path[0] == PROGRAM => base = vec![LIBRARY.to_owned()],
            _ => return None,
        }
        Some(base.into_iter().chain(rest.iter().cloned()).collect())
    }

    fn add(&mut self, segments: &[String]) {
        if let Some(path) = self.absolute(segments) {
            self.paths.push((segments.join("::"), path));
        }
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add(&std::mem::take(&mut segments));
                    }
                    segments.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.add(&std::mem::take(&mut segments));
                    colons = 0;
                    self.add_tokens(group.stream());
                }
                _ => {
                    self.add(&std::mem::take(&mut segments));
                    colons = 0;
                }
            }
        }
        self.add(&segments);
    }
}

/// Every path in a `use` tree, with the name that it brings into scope.
fn flatten(tree: &UseTree, prefix: &[String], paths: &mut Vec<(ModulePath, String)>) {
    let with = |name: &syn::Ident| prefix.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &with(&path.ident), paths),
        UseTree::Name(name) if name.ident == "self" => {
            paths.push((prefix.to_vec(), prefix.last().cloned().unwrap_or_default()));
        }
        UseTree::Name(name) => paths.push((with(&name.ident), name.ident.to_string())),
        UseTree::Rename(rename) if rename.ident == "self" => paths.push((prefix.to_vec(), rename.rename.to_string())),
        UseTree::Rename(rename) => paths.push((with(&rename.ident), rename.rename.to_string())),
        UseTree::Glob(_) => paths.push((prefix.to_vec(), String::new())),
        UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, prefix, paths)),
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &[], &mut paths);
        for (path, name) in paths {
            // A re-export does not create an arrow from this file: files that use it point to the defining file.
            match self.absolute(&path).filter(|_| !matches!(item.vis, syn::Visibility::Inherited)) {
                Some(target) => _ = self.re_exports.insert(name, target),
                None => self.add(&path),
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.add(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}
