//! Checks imports between the files of a crate: no crate has a cycle, and no file of a service imports a file of a higher rank.

mod graph;
mod ranks;

use std::collections::BTreeMap;

use graph::Graph;
use ranks::Ranks;
use stack::paths;

/// Every crate in the workspace with more than one file, identified by its source path.
const CRATES: [&str; 6] = ["shared/src", "ingest/src", "notifier/src", "tools/stack/src", "tools/bench/src", "tests/src"];

#[test]
fn no_crate_has_an_import_cycle() {
    for crate_path in CRATES {
        let graph = Graph::read(&paths::project().join(crate_path));
        assert!(graph.files.len() > 5, "{crate_path} should have more than five files: {:?}", graph.files);
        if let Some(cycle) = graph.largest_cycle() {
            let arrows: Vec<String> = graph
                .arrows
                .iter()
                .filter(|arrow| cycle.contains(&arrow.from) && cycle.contains(&arrow.to))
                .map(ToString::to_string)
                .collect();
            panic!("{crate_path}: {} files import each other in a cycle:\n{}", cycle.len(), arrows.join("\n"));
        }
    }
}

/// Fails, listing every upward arrow in a service and every file without a rank.
fn assert_imports_point_down(crate_path: &str, ranks: Ranks) {
    let graph = Graph::read(&paths::project().join(crate_path));
    let rank_of: BTreeMap<&str, usize> =
        ranks.iter().enumerate().flat_map(|(rank, (_, files))| files.iter().map(move |file| (*file, rank))).collect();
    let listed: usize = ranks.iter().map(|(_, files)| files.len()).sum();
    assert_eq!(listed, rank_of.len(), "{crate_path}: a file is listed twice");
    let unranked: Vec<&String> = graph.files.iter().filter(|file| !rank_of.contains_key(file.as_str())).collect();
    assert!(unranked.is_empty(), "{crate_path}: give these files a rank in tests/tests/layering/ranks.rs: {unranked:?}");
    let missing: Vec<&&str> = rank_of.keys().filter(|file| !graph.files.contains(**file)).collect();
    assert!(missing.is_empty(), "{crate_path}: these files have a rank and do not exist: {missing:?}");
    let upward: Vec<String> = graph
        .arrows
        .iter()
        .filter(|arrow| rank_of[arrow.from.as_str()] > rank_of[arrow.to.as_str()])
        .map(|arrow| {
            let name = |file: &str| ranks[rank_of[file]].0;
            format!("{arrow}: `{}` may not import `{}`", name(&arrow.from), name(&arrow.to))
        })
        .collect();
    assert!(upward.is_empty(), "{crate_path}: imports point upward:\n{}", upward.join("\n"));
}

#[test]
fn imports_of_ingest_point_down() {
    assert_imports_point_down("ingest/src", ranks::INGEST);
}

#[test]
fn imports_of_the_notifier_point_down() {
    assert_imports_point_down("notifier/src", ranks::NOTIFIER);
}

#[test]
fn store_and_outbox_never_name_warp() {
    let sources = paths::project().join("ingest/src");
    let graph = Graph::read(&sources);
    let below_http = graph.files.iter().filter(|file| file.starts_with("store") || file.starts_with("outbox"));
    for file in below_http {
        let source = std::fs::read_to_string(sources.join(file)).expect("the file should be readable");
        assert!(!source.contains("warp"), "ingest/src/{file} names warp");
    }
}

#[test]
fn no_file_contains_both_sql_and_http() {
    for name in ["ingest/src", "notifier/src"] {
        let sources = paths::project().join(name);
        for file in Graph::read(&sources).files {
            let source = std::fs::read_to_string(sources.join(&file)).expect("the file should be readable");
            let has_sql = ["sqlx::query", "sqlx::{query", "QueryBuilder"].iter().any(|text| source.contains(text));
            let has_http = source.contains("warp::") || source.contains("use warp");
            assert!(!(has_sql && has_http), "{name}/{file} contains both SQL and HTTP");
        }
    }
}

#[test]
fn the_graph_follows_imports_inline_paths_re_exports_and_macros() {
    let sources = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("layering-{}", std::process::id()));
    let files = [
        ("main.rs", "mod tool; fn help() {}"),
        ("tool.rs", "fn f() { crate::help() }"),
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e; #[cfg(test)] mod tests;"),
        ("a.rs", "use crate::b::Thing; fn f() -> Thing { crate::c::make() }"),
        ("b.rs", "mod inner; pub use inner::Thing;"),
        ("b/inner.rs", "pub struct Thing; fn f() { println!(\"{}\", super::super::c::NUMBER) }"),
        ("c.rs", "pub fn make() {} #[cfg(test)] mod tests { use crate::a::f; }"),
        ("d.rs", "use super::{a, c::{self, make}}; fn f() { self::g(); } fn g() {}"),
        ("e.rs", "mod child; fn f() { child::run() }"),
        ("e/child.rs", "pub fn run() {}"),
        ("tests.rs", "use crate::a::f;"),
    ];
    for (name, source) in files {
        let path = sources.join(name);
        std::fs::create_dir_all(path.parent().expect("the path should have a parent")).expect("the folder should be created");
        std::fs::write(path, source).expect("the file should be written");
    }
    let graph = Graph::read(&sources);
    std::fs::remove_dir_all(&sources).expect("the folder should be removed");
    let arrows: Vec<(String, String)> = graph.arrows.iter().map(|arrow| (arrow.from.clone(), arrow.to.clone())).collect();
    let expected = [
        ("a.rs", "b/inner.rs"),
        ("a.rs", "c.rs"),
        ("b/inner.rs", "c.rs"),
        ("d.rs", "a.rs"),
        ("d.rs", "c.rs"),
        ("e.rs", "e/child.rs"),
        ("tool.rs", "main.rs"),
    ];
    let expected: Vec<(String, String)> = expected.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    assert_eq!(arrows, expected);
    assert!(graph.largest_cycle().is_none());
}
