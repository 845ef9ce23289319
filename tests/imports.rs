//! Imports go one way: no two files of the sources need each other, nor two folders.
//!
//! A file needs another if one of its paths, followed through re-exports, ends there. Tests within files do not count, nor
//! does that a module declares its parts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Where a file is in the tree of modules; `main` is the program's root, the library's has no name.
type Module = Vec<String>;

/// What a file says of others.
#[derive(Default)]
struct Source {
    /// The paths that it names.
    paths: Vec<Module>,
    /// What it exports of others, by the name it has here.
    exports: BTreeMap<String, Module>,
    /// The modules that it declares.
    children: BTreeSet<String>,
}

/// The words and signs of a file, without comments, texts, lifetimes and tests.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => end_of_text(rest),
            'r' if rest.starts_with("r#\"") => rest.find("\"#").map_or(rest.len(), |end| end + 2),
            '\'' => match rest.char_indices().nth(2) {
                Some((at, '\'')) => at + 1,
                _ if rest.starts_with("'\\") => rest[2..].find('\'').map_or(rest.len(), |end| end + 3),
                _ => 1,
            },
            ':' if rest.starts_with("::") => 2,
            _ if is_word(first) => rest.find(|next| !is_word(next)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let token = &rest[..length];
        rest = &rest[length..];
        if is_word(first) && !token.contains('"') || "{}();,.*#[]=".contains(first) || token == "::" {
            tokens.push(token.to_owned());
        }
    }
    without_tests(tokens)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return at + 1,
            _ => escaped = character == '\\' && !escaped,
        }
    }
    text.len()
}

/// Leaves out what stands behind `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].iter().take(MARK.len()).eq(MARK) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut depth = 0;
        at += MARK.len();
        while at < tokens.len() {
            let token = tokens[at].as_str();
            at += 1;
            depth += i32::from(token == "{") - i32::from(token == "}");
            if depth == 0 && (token == ";" || token == "}") {
                break;
            }
        }
    }
    kept
}

impl Source {
    fn read(text: &str) -> Self {
        let tokens = tokens(text);
        let mut source = Self::default();
        let mut words = BTreeSet::new();
        let mut at = 0;
        while at < tokens.len() {
            let before = at.checked_sub(1).map_or("", |before| tokens[before].as_str());
            match tokens[at].as_str() {
                "use" if before != "::" => {
                    let end = at + tokens[at..].iter().position(|token| token == ";").unwrap_or(0);
                    let mut uses = Vec::new();
                    tree(&tokens[at + 1..end], &mut Module::new(), &mut uses);
                    // `pub` or `pub(crate)`, and the like.
                    let exported = before == "pub" || before == ")";
                    for (name, path) in uses {
                        match exported {
                            true => drop(source.exports.insert(name, path)),
                            false => source.paths.push(path),
                        }
                    }
                    at = end;
                }
                "mod" if tokens.get(at + 2).is_some_and(|token| token == ";") => {
                    at += 1;
                    source.children.insert(tokens[at].clone());
                }
                word if before != "::" && before != "." && word.starts_with(is_word) => {
                    words.insert(word.to_owned());
                    let mut path = vec![word.to_owned()];
                    while tokens.get(at + 1).is_some_and(|token| token == "::")
                        && tokens.get(at + 2).is_some_and(|token| token.starts_with(is_word))
                    {
                        path.push(tokens[at + 2].clone());
                        at += 2;
                    }
                    // Where an item is seen is no need of what it is seen from.
                    if path.len() > 1 && before != "in" {
                        source.paths.push(path);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        // What a file passes on it may use itself.
        source.paths.extend(source.exports.keys().filter(|name| words.contains(*name)).map(|name| vec![name.clone()]));
        source
    }
}

/// The names and paths of the tree behind a `use`; returns how many tokens it took.
fn tree(tokens: &[String], prefix: &mut Module, uses: &mut Vec<(String, Module)>) -> usize {
    let (length, mut at) = (prefix.len(), 0);
    let mut name = None;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at += tree(&tokens[at..], prefix, uses);
                    at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                }
                prefix.truncate(length);
                return at + 1;
            }
            "," | "}" => break,
            "::" => {}
            "as" => {
                name = tokens.get(at + 1).cloned();
                at += 1;
            }
            "self" if prefix.len() > length || length > 0 => {}
            word => prefix.push(word.to_owned()),
        }
        at += 1;
    }
    let name = name.or_else(|| prefix.last().cloned()).unwrap_or_default();
    uses.push((name, prefix.clone()));
    prefix.truncate(length);
    at
}

/// The file in which a path ends that is named in `from`, if it is one of these files.
fn resolve(sources: &BTreeMap<Module, Source>, from: &Module, path: &[String], depth: usize) -> Option<Module> {
    let root = if from.first().is_some_and(|first| first == "main") { vec!["main".to_owned()] } else { Vec::new() };
    let mut rest = path;
    let mut module = match path.first()?.as_str() {
        "crate" => root,
        "seq2seq" => Vec::new(),
        "self" | "super" => from.clone(),
        word if sources[from].children.contains(word) || sources[from].exports.contains_key(word) => {
            return follow(sources, from.clone(), path, depth);
        }
        _ => return None,
    };
    if rest[0] == "crate" || rest[0] == "seq2seq" || rest[0] == "self" {
        rest = &rest[1..];
    }
    while rest.first().is_some_and(|word| word == "super") {
        module.pop();
        rest = &rest[1..];
    }
    follow(sources, module, rest, depth)
}

fn follow(sources: &BTreeMap<Module, Source>, mut module: Module, path: &[String], depth: usize) -> Option<Module> {
    for (place, word) in path.iter().enumerate() {
        let export = sources.get(&module).and_then(|source| source.exports.get(word));
        if let Some(export) = export.filter(|_| depth < 16) {
            let path = [export, &path[place + 1..]].concat();
            return resolve(sources, &module, &path, depth + 1);
        }
        module.push(word.clone());
        if !sources.contains_key(&module) {
            module.pop();
            return Some(module);
        }
    }
    // A module that was imported to name its items: those are paths of their own.
    None
}

/// Which files each file needs.
fn needs(texts: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let sources: BTreeMap<Module, Source> =
        texts.iter().map(|(module, text)| (module.clone(), Source::read(text))).collect();
    let needed = |(module, source): (&Module, &Source)| {
        // A path may begin with a module that another one imports.
        let imported: BTreeMap<&String, &Module> =
            source.paths.iter().filter_map(|path| Some((path.last()?, path))).collect();
        let whole = |path: &Module| match imported.get(&path[0]) {
            Some(import) if *import != path => [import.as_slice(), &path[1..]].concat(),
            _ => path.clone(),
        };
        let found = source.paths.iter().filter_map(|path| resolve(&sources, module, &whole(path), 0));
        (module.clone(), found.filter(|found| found != module).collect())
    };
    sources.iter().map(needed).collect()
}

/// Some nodes that need each other all around, if there are any.
fn circle<T: Ord + Clone>(mut needs: BTreeMap<T, BTreeSet<T>>) -> Option<Vec<T>> {
    loop {
        let free: BTreeSet<T> =
            needs.iter().filter(|(_, needed)| needed.is_empty()).map(|(node, _)| node.clone()).collect();
        if free.is_empty() {
            break;
        }
        needs.retain(|node, _| !free.contains(node));
        needs.values_mut().for_each(|needed| needed.retain(|node| !free.contains(node)));
    }
    let mut way = vec![needs.keys().next()?.clone()];
    loop {
        let next = needs[way.last()?].first()?.clone();
        if let Some(start) = way.iter().position(|node| *node == next) {
            return Some(way.split_off(start));
        }
        way.push(next);
    }
}

/// A circle of files, or else one of folders within a folder.
fn any_circle(texts: &BTreeMap<Module, String>) -> Option<String> {
    let needs = needs(texts);
    if let Some(files) = circle(needs.clone()) {
        let names: Vec<String> = files.iter().map(|module| module.join("::")).collect();
        return Some(names.join(" → "));
    }
    let parents: BTreeSet<&[String]> =
        needs.keys().flat_map(|module| (0..module.len()).map(|end| &module[..end])).collect();
    parents.into_iter().find_map(|parent| {
        let within = |module: &Module| module.strip_prefix(parent)?.first().cloned();
        let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (module, needed) in &needs {
            let Some(folder) = within(module) else { continue };
            let needed = needed.iter().filter_map(within).filter(|needed| *needed != folder);
            folders.entry(folder.clone()).or_default().extend(needed);
        }
        Some(format!("{}: {}", parent.join("::"), circle(folders)?.join(" → ")))
    })
}

/// All files below `folder`, as modules.
fn read(folder: &Path, module: &Module, texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).expect("a folder of the sources").flatten() {
        let path = entry.path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut inner = module.clone();
        if module.is_empty() && stem == "cli" {
            inner.push("main".to_owned());
        }
        if stem != "mod" && stem != "lib" {
            inner.push(stem);
        }
        if path.is_dir() {
            read(&path, &inner, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.insert(inner, fs::read_to_string(&path).expect("a file of the sources"));
        }
    }
}

#[test]
fn no_two_files_or_folders_need_each_other() {
    let mut texts = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &Module::new(), &mut texts);
    let needed: usize = needs(&texts).values().map(BTreeSet::len).sum();
    println!("{} files need {needed} others", texts.len());
    assert!(texts.len() > 100 && needed > 3 * texts.len(), "imports are not found: {needed} of {} files", texts.len());
    assert_eq!(any_circle(&texts), None);
}

/// Files by their modules' names.
fn made_up(files: &[(&str, &str)]) -> BTreeMap<Module, String> {
    let module = |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    files.iter().map(|&(name, text)| (module(name), text.to_owned())).collect()
}

#[test]
fn circles_are_found() {
    let root = ("", "mod a; mod b;");
    for (files, expected) in [
        // Plainly, in a path, and where something else has passed it on.
        (vec![root, ("a", "use crate::b::B;"), ("b", "use crate::a::A;")], "a → b"),
        (vec![root, ("a", "fn f() { crate::b::f(); }"), ("b", "use super::a;\nfn f() { a::g(); }")], "a → b"),
        (
            vec![
                root,
                ("a", "mod c; pub use c::{C as D, self};"),
                ("a::c", "use crate::b::B;"),
                ("b", "use crate::a::D;"),
            ],
            "a::c → b",
        ),
        (vec![root, ("a", "mod c; pub use c::f; fn g() { f() }"), ("a::c", "use super::g;"), ("b", "")], "a → a::c"),
        // Files that do not need each other, in folders that do.
        (
            vec![
                root,
                ("a", "mod c; mod d;"),
                ("a::c", "use crate::b::B;"),
                ("a::d", ""),
                ("b", "use crate::a::d::D;"),
            ],
            ": a → b",
        ),
    ] {
        assert_eq!(any_circle(&made_up(&files)).as_deref(), Some(expected), "{files:?}");
    }
}

#[test]
fn what_is_no_circle_is_none() {
    for text in [
        "// use crate::a::A;",
        "const T: &str = \"crate::a::A\";",
        "#[cfg(test)]\nmod tests { use crate::a::A; }",
        "pub(in crate::a) struct S<'a>(&'a str, char);",
        "use std::a::A; fn f() -> char { '\"' }",
    ] {
        let files = [("", "mod a; mod b;"), ("a", "use crate::b::{B, C};"), ("b", text)];
        assert_eq!(any_circle(&made_up(&files)), None, "{text}");
    }
}
