//! Documents match the code: variables are in `--help` and the README, links and file names exist, the images can be built.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use stack::{Stack, place};

/// The variables in the `--help` of a service.
fn variables(program: &str) -> BTreeSet<String> {
    let mut command = Stack::program(program).expect("the service should be built");
    let output = command.arg("--help").output().expect("the command should run");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("the output should be UTF-8");
    let (_, listed) = help.split_once("Variables:\n").expect("--help should list the variables");
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.map(str::to_owned).collect()
}

#[test]
fn help_and_readme_name_every_variable() {
    let (ingest, notifier) = (variables("ingest"), variables("notifier"));
    assert!(ingest.len() >= 15 && notifier.len() >= 9, "{ingest:?} {notifier:?}");
    let readme = fs::read_to_string(place::project().join("README.md")).expect("README.md should be readable");
    for name in ingest.union(&notifier) {
        assert!(readme.contains(&format!("| `{name}` |")), "README.md should explain {name}");
    }
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name.to_owned());
    let services: BTreeSet<String> = rows.take_while(|name| name != "PORT").collect();
    assert_eq!(
        &services,
        &ingest.union(&notifier).cloned().collect(),
        "the README's table should list exactly the variables of the services"
    );
}

#[test]
fn invalid_settings_exit_with_64_and_name_the_variable() {
    let table = [
        ("WEBHOOK_KEYS", "test-webhook", "the same for everybody"),
        ("PUBLIC_ORIGINS", "https://*", "is not an origin"),
        ("LISTEN", "nowhere", "LISTEN"),
    ];
    for (name, value, message) in table {
        let mut command = Stack::program("ingest").expect("the service should be built");
        let output = command
            .arg("serve")
            .env("DATABASE_URL", "postgres://u@127.0.0.1/x")
            .env(name, value)
            .output()
            .expect("the command should run");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{stderr}");
        assert!(stderr.contains(message) || stderr.contains("--listen"), "{stderr}");
    }
}

#[test]
fn the_dockerfile_copies_everything_cargo_needs() {
    let project = place::project();
    let file = fs::read_to_string(project.join("deploy/services.Dockerfile")).expect("the file should be readable");
    let (build, _) = file.split_once("\nRUN cargo build").expect("the file should contain RUN cargo build");
    let copied = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("images-{}", std::process::id()));
    fs::create_dir_all(&copied).expect("the folder should be created");
    for line in build.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let mut paths: Vec<&str> = line.split_whitespace().collect();
        let to = copied.join(paths.pop().expect("COPY should have a destination"));
        for path in paths {
            fs::create_dir_all(to.parent().expect("the path should have a parent")).expect("the folder should be created");
            let status = Command::new("cp").arg("-r").arg(project.join(path)).arg(&to).status().expect("cp should run");
            assert!(status.success(), "{line}");
        }
    }
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(["metadata", "--no-deps", "--offline", "--locked", "--format-version=1"]).current_dir(&copied);
    let output = output.output().expect("cargo should run");
    fs::remove_dir_all(&copied).expect("the folder should be removed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn documents_refer_only_to_existing_files() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(place::project().join(document)).expect("the document should be readable");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let path = link.split('#').next().unwrap_or_default();
            let inside = path.is_empty() || path.contains("://") || place::project().join(path).exists();
            assert!(inside, "{document} links to {link}, which does not exist");
        }
        for reference in text.split('`').skip(1).step_by(2).filter(|name| name.contains(".rs") && name.contains('/')) {
            let path = reference.split("::").next().unwrap_or_default();
            assert!(place::project().join(path).exists(), "{document} names {reference}, which does not exist");
        }
    }
}
