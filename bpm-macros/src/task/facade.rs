//! The path of the facade, as the crate sees it that uses `#[service_task]`.

use std::path::{Path, PathBuf};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

/// The package of the facade.
const PACKAGE: &str = "bpm-engine";

/// The path that the manifest tells.
pub(super) fn path() -> TokenStream {
    let name = Ident::new(&dependency(), Span::call_site());
    quote_spanned!(Span::call_site()=> ::#name)
}

/// The name under which the crate depends on the facade.
fn dependency() -> String {
    let directory = std::env::var("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let renamed = directory.ok().and_then(|directory| {
        let manifest = std::fs::read_to_string(directory.join("Cargo.toml")).ok()?;
        dependency_in(&manifest).or_else(|| inherited(&manifest, &directory))
    });
    renamed.unwrap_or_else(|| PACKAGE.to_owned()).replace('-', "_")
}

/// A dependency that is inherited is renamed in the workspace's manifest.
fn inherited(manifest: &str, directory: &Path) -> Option<String> {
    let above = directory.ancestors().skip(1);
    let workspace = above.map(|directory| directory.join("Cargo.toml")).find_map(|path| {
        std::fs::read_to_string(path).ok().filter(|text| text.contains("[workspace"))
    })?;
    let name = dependency_in(&workspace)?;
    manifest.lines().any(|line| line.trim_start().starts_with(&name)).then_some(name)
}

/// The key of the dependency whose `package` is the facade; only manifests that rename it need
/// to be understood, and all of them write that word.
fn dependency_in(manifest: &str) -> Option<String> {
    let mut table = "";
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']');
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim().trim_matches('"');
        if key == "package" && unquoted(value) == PACKAGE && table.contains("dependencies.") {
            return table.rsplit('.').next().map(|name| name.trim_matches('"').to_owned());
        }
        if table.ends_with("dependencies") && package_of(value) == Some(PACKAGE) {
            return Some(key.to_owned());
        }
        // `name.package = "…"`
        if let (true, Some(name)) = (unquoted(value) == PACKAGE, key.strip_suffix(".package")) {
            return Some(name.trim_matches('"').to_owned());
        }
    }
    None
}

/// `{ package = "…", … }`
fn package_of(value: &str) -> Option<&str> {
    let (_, package) = value.split_once("package")?;
    let (_, package) = package.split_once('=')?;
    package.split('"').nth(1)
}

fn unquoted(value: &str) -> &str {
    value.split('"').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::dependency_in;

    fn check(manifest: &str, expected: Option<&str>) {
        assert_eq!(dependency_in(manifest).as_deref(), expected);
    }

    #[test]
    fn finds_the_name_of_the_dependency() {
        check("[dependencies]\nbpm-engine = \"0.1\"", None);
        check(
            "[dependencies]\nflow = { version = \"0.1\", package = \"bpm-engine\" }",
            Some("flow"),
        );
        check("[dev-dependencies]\nflow = { package = \"bpm-engine\" }", Some("flow"));
        check("[dependencies.flow]\nversion = \"0.1\"\npackage = \"bpm-engine\"", Some("flow"));
        check("[target.'cfg(unix)'.dependencies]\nf = { package = \"bpm-engine\" }", Some("f"));
        check("[workspace.dependencies]\nmy-flow = { package = \"bpm-engine\" }", Some("my-flow"));
        check("[dependencies]\nflow.package = \"bpm-engine\"", Some("flow"));
        check("[package]\nname = \"bpm-engine\"", None);
    }
}
