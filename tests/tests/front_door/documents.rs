//! What the documents say is true: every variable is documented, in `--help` and in the README.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use stack::{Stack, paths};

/// The variables that a service's own `--help` lists.
fn variables(program: &str) -> BTreeSet<String> {
    let mut command = Stack::program(program).expect("the service is built");
    let output = command.arg("--help").output().expect("it runs");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("text");
    let (_, listed) = help.split_once("Variables:\n").expect("a list of variables");
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.map(str::to_owned).collect()
}

#[test]
fn help_and_readme_name_every_variable() {
    let (ingest, notifier) = (variables("ingest"), variables("notifier"));
    assert!(ingest.len() >= 15 && notifier.len() >= 9, "{ingest:?} {notifier:?}");
    let readme = fs::read_to_string(paths::project().join("README.md")).expect("the README");
    for name in ingest.union(&notifier) {
        assert!(readme.contains(&format!("| `{name}` |")), "README.md does not explain {name}");
    }
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name.to_owned());
    let services: BTreeSet<String> = rows.take_while(|name| name != "PORT").collect();
    assert_eq!(
        &services,
        &ingest.union(&notifier).cloned().collect(),
        "the README's table of the services holds these and no others"
    );
}

#[test]
fn a_mistake_in_the_settings_ends_with_64_and_says_which() {
    let table = [
        ("WEBHOOK_KEYS", "test-webhook", "the same for everybody"),
        ("PUBLIC_ORIGINS", "https://*", "is not an origin"),
        ("LISTEN", "nowhere", "LISTEN"),
    ];
    for (name, value, says) in table {
        let mut command = Stack::program("ingest").expect("the service is built");
        let output =
            command.arg("serve").env("DATABASE_URL", "postgres://u@127.0.0.1/x").env(name, value).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains(says) || said.contains("--listen"), "{said}");
    }
}

#[test]
fn the_images_are_built_from_all_that_cargo_wants_to_see() {
    let project = paths::project();
    let file = fs::read_to_string(project.join("deploy/services.Dockerfile")).expect("the file");
    let (build, _) = file.split_once("\nRUN cargo build").expect("a stage that builds");
    let copied = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("images-{}", std::process::id()));
    fs::create_dir_all(&copied).expect("a folder");
    for line in build.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let mut paths: Vec<&str> = line.split_whitespace().collect();
        let to = copied.join(paths.pop().expect("where to"));
        for path in paths {
            fs::create_dir_all(to.parent().expect("a folder")).expect("it is made");
            let status = Command::new("cp").arg("-r").arg(project.join(path)).arg(&to).status().expect("cp runs");
            assert!(status.success(), "{line}");
        }
    }
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(["metadata", "--no-deps", "--offline", "--locked", "--format-version=1"]).current_dir(&copied);
    let output = output.output().expect("cargo runs");
    fs::remove_dir_all(&copied).expect("it is removed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_project_points_to_nothing_outside_itself() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(paths::project().join(document)).expect("the document");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let path = link.split('#').next().unwrap_or_default();
            let inside = path.is_empty() || path.contains("://") || paths::project().join(path).exists();
            assert!(inside, "{document} links to {link}, which is not there");
        }
        for named in text.split('`').skip(1).step_by(2).filter(|name| name.contains(".rs") && name.contains('/')) {
            let path = named.split("::").next().unwrap_or_default();
            assert!(paths::project().join(path).exists(), "{document} names {named}, which is not there");
        }
    }
}
