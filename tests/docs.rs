//! README and docs are true: links lead somewhere, examples print what they show, options exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the commands of examples begin that are not run here, and why.
const NOT_RUN: [(&str, &str); 1] = [("seq2seq verify --device gpu", "takes a certain GPU")];

/// `seq2seq` as a person types it. It computes on the CPU unless the command names a device, or takes none.
const SHELL: &str = r#"
seq2seq() {
    case "$* " in
        devices*|convert*|shaders*|pronounce*|*" --device "*) "$PROGRAM" "$@" ;;
        *) command=$1; shift; "$PROGRAM" "$command" --device cpu "$@" ;;
    esac
}
"#;

#[test]
fn every_link_leads_somewhere() {
    let faults: Vec<String> = pages().iter().flat_map(broken_links).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_example_prints_what_it_shows() {
    let mut unused: BTreeSet<&str> = NOT_RUN.map(|(beginning, _)| beginning).into();
    let mut run = 0;
    for page in pages() {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs").join(page.name());
        fs::create_dir_all(&folder).expect("a folder");
        for Example { command, shown } in page.blocks().flat_map(examples) {
            if let Some((beginning, _)) = NOT_RUN.iter().find(|(beginning, _)| command.starts_with(beginning)) {
                unused.remove(beginning);
                continue;
            }
            let (printed, complaint) = output(&command, &folder);
            assert!(agrees(&shown, &printed), "{}: {command}\n{printed}{complaint}", page.name());
            run += 1;
        }
    }
    assert!(run > 0 && unused.is_empty(), "{run} examples were run; no example begins with {unused:?}");
}

#[test]
fn every_option_exists() {
    let help = help();
    let faults: Vec<String> = pages().iter().flat_map(|page| unknown_options(page, &help)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_readme_fits_a_hundred_lines() {
    let lines = Page::read(root().join("README.md")).text.lines().count();
    assert!(lines <= 100, "{lines} lines: what is long belongs in docs/");
}

#[test]
fn every_shader_is_in_the_table_of_operations() {
    let table = Page::read(root().join("docs/operations.md")).text;
    for shader in files(&root().join("shaders"), "wgsl") {
        let path = shader.strip_prefix(root()).expect("a path within").to_str().expect("UTF-8");
        // What several shaders import is no operation, and neither is a measurement.
        let operation = !path.starts_with("shaders/shared/") && !path.starts_with("shaders/peak_");
        assert!(!operation || table.contains(&format!("](../{path})")), "{path} is not in docs/operations.md");
    }
}

#[test]
fn a_broken_link_is_found() {
    let text = "# A title: *here*\n[file](none.md) [below](#none) [there](docs/search.md#none) <img src=\"none.svg\">\n\
        [file](ARCHITECTURE.md) [title](#a-title-here) [there](docs/search.md#search) <img src=\"docs/report.png\">\n\
        [web](https://none.example) `[code](none)`\n```\n[code](none)\n# none\n```\n";
    let faults = broken_links(&page(text));
    let links = ["none.md", "#none", "docs/search.md#none", "none.svg"];
    assert_eq!(faults, links.map(|link| format!("made-up.md: {link} leads nowhere")));
}

#[test]
fn an_unknown_option_is_found() {
    let text = "`seq2seq score --beam 5`, `--beem`, `--beam`, `seq2seq sing`, `seq2seq score --pairs=a`, `cargo --x`\n\
        ```\n$ printf 'a\\n' | X=1 seq2seq translate --bean 5 --beam 5 | sort --reverse\n\
        cargo run --release -- score \\\n  --n-best 5 # no --score\n```\n";
    let faults = unknown_options(&page(text), &help());
    let expected = [
        "score has no --beam",
        "there is no sing",
        "translate has no --bean",
        "score has no --n-best",
        "score has no --score",
        "there is no --beem",
    ];
    assert_eq!(faults, expected.map(|fault| format!("made-up.md: {fault}")));
}

#[test]
fn another_output_is_found() {
    let text = "```\n$ printf 'a  b\\n0.12345678\\n'\na  b\n0.12345677\n\n$ echo c\nd\n```\n";
    let page = page(text);
    let is_shown = |Example { command, shown }| agrees(&shown, &output(&command, root()).0);
    assert!(page.blocks().flat_map(examples).map(is_shown).eq([true, false]));
    for [shown, printed] in [["a b", "a  b"], ["a\tb", "a b"], ["a", "a\nb"], ["1.234", "1.235"], ["1.5\t2", "1.5 2"]] {
        assert!(!agrees(shown, printed), "{shown:?} and {printed:?}");
    }
}

/// A page of the documentation.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    fn name(&self) -> String {
        self.path.strip_prefix(root()).expect("a path within").display().to_string()
    }

    /// The fenced blocks, without the line that names their language.
    fn blocks(&self) -> impl Iterator<Item = &str> {
        self.text.split("```").skip(1).step_by(2).filter_map(|block| Some(block.split_once('\n')?.1))
    }

    /// What is between them.
    fn paragraphs(&self) -> impl Iterator<Item = &str> {
        self.text.split("```").step_by(2)
    }

    /// Code in the midst of a sentence.
    fn spans(&self) -> impl Iterator<Item = &str> {
        self.paragraphs().flat_map(|text| text.split('`').skip(1).step_by(2))
    }

    /// What is no code.
    fn prose(&self) -> String {
        self.paragraphs().flat_map(|text| text.split('`').step_by(2)).collect()
    }

    /// The anchors of the headings, as GitHub makes them.
    fn anchors(&self) -> BTreeSet<String> {
        let headings = self.paragraphs().flat_map(str::lines).filter_map(|line| line.strip_prefix('#'));
        headings.map(|heading| anchor(heading.trim_start_matches('#').trim())).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(text: &str) -> Page {
    Page { path: root().join("made-up.md"), text: text.to_owned() }
}

fn pages() -> Vec<Page> {
    let mut paths = vec![root().join("README.md"), root().join("ARCHITECTURE.md")];
    paths.extend(["docs", "models", "examples"].iter().flat_map(|folder| files(&root().join(folder), "md")));
    paths.into_iter().map(Page::read).collect()
}

/// All files in a folder and the folders below whose names end so, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let here = files.into_iter().filter(|path| path.extension().is_some_and(|found| found == extension));
    here.chain(folders.iter().flat_map(|folder| self::files(folder, extension))).collect()
}

fn anchor(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
    heading.to_lowercase().chars().filter(kept).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// Relative links and images without a file, and anchors without a heading.
fn broken_links(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let links = [("](", ')'), ("src=\"", '"'), ("href=\"", '"')]
        .into_iter()
        .flat_map(|(start, end)| prose.split(start).skip(1).filter_map(move |rest| Some(rest.split_once(end)?.0)));
    let broken = links.filter(|link| !link.contains("://") && !leads_somewhere(page, link));
    broken.map(|link| format!("{}: {link} leads nowhere", page.name())).collect()
}

fn leads_somewhere(page: &Page, link: &str) -> bool {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let path = page.path.with_file_name("").join(file);
    match anchor {
        None => path.exists(),
        Some(anchor) if file.is_empty() => page.anchors().contains(anchor),
        Some(anchor) => path.is_file() && Page::read(path).anchors().contains(anchor),
    }
}

/// A command of a fenced block, behind `$ `, and the lines below.
struct Example {
    command: String,
    shown: String,
}

fn examples(block: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for line in block.split_inclusive('\n') {
        match (line.strip_prefix("$ "), examples.last_mut()) {
            (Some(command), _) => examples.push(Example { command: command.to_owned(), shown: String::new() }),
            (None, Some(example)) => example.shown += line,
            (None, None) => {}
        }
    }
    examples
}

/// What a command prints on standard output and on standard error.
fn output(command: &str, folder: &Path) -> (String, String) {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{SHELL}{command}")).env("PROGRAM", env!("CARGO_BIN_EXE_seq2seq")).current_dir(folder);
    let output = shell.output().expect("a shell");
    (String::from_utf8(output.stdout).expect("UTF-8"), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whether two outputs are the same but for empty lines at their ends and the last digits of decimal numbers, which
/// every instruction set rounds in its own way.
fn agrees(shown: &str, printed: &str) -> bool {
    let [shown, printed] = [shown, printed].map(|text| text.trim_end_matches('\n').split_inclusive([' ', '\t', '\n']));
    shown.clone().count() == printed.clone().count() && shown.zip(printed).all(|(a, b)| a == b || is_near(a, b))
}

fn is_near(a: &str, b: &str) -> bool {
    let [(a, behind_a), (b, behind_b)] = [a, b].map(|word| word.split_at(word.trim_end().len()));
    let number = |word: &str| word.parse::<f64>().ok().filter(|_| word.contains('.'));
    let near = |(a, b): (f64, f64)| (a - b).abs() <= 1e-5 * a.abs();
    behind_a == behind_b && number(a).zip(number(b)).is_some_and(near)
}

/// The options of each command.
type Help = BTreeMap<String, BTreeSet<String>>;

fn help() -> Help {
    let shown = |args: &str| output(&format!("\"$PROGRAM\" {args} --help"), root()).0;
    let overview = shown("");
    let commands = overview.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = commands.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    let options = |name: &str| (name.to_owned(), declared(&shown(name)));
    names.filter(|name| *name != "help").map(options).chain([(String::new(), declared(&overview))]).collect()
}

/// The options that a help declares: descriptions are indented further.
fn declared(help: &str) -> BTreeSet<String> {
    let lines = help.lines().filter(|line| line.trim_start().starts_with('-') && !line.starts_with("        "));
    lines.filter_map(|line| options(line.split_whitespace()).next()).collect()
}

/// The long options among words, without their values.
fn options<'a>(words: impl Iterator<Item = &'a str>) -> impl Iterator<Item = String> {
    let name = |word: &'a str| {
        let name = word.strip_prefix("--")?.split(|letter: char| !letter.is_alphanumeric() && letter != '-').next()?;
        (!name.is_empty()).then(|| format!("--{name}"))
    };
    words.filter_map(name)
}

/// The words behind `seq2seq`, where a part of a pipe runs it; of any other command none.
fn arguments(part: &str) -> Option<Vec<&str>> {
    let is_setting = |word: &&str| *word == "$" || !word.starts_with('-') && word.contains('=');
    let mut words = part.split_whitespace().skip_while(is_setting);
    match words.next()? {
        "seq2seq" => Some(words.collect()),
        "cargo" => Some(words.skip_while(|word| *word != "--").skip(1).collect()),
        _ => None,
    }
}

/// Commands that the program does not have, and options that the command before them does not have.
fn unknown_options(page: &Page, help: &Help) -> Vec<String> {
    let lines = page.blocks().map(|block| block.replace("\\\n", " ")).collect::<String>();
    let run = lines.lines().flat_map(|line| line.split('|')).filter_map(arguments);
    let (named, alone): (Vec<_>, Vec<_>) = page.spans().partition(|span| arguments(span).is_some());
    let in_commands = named.into_iter().filter_map(arguments).chain(run).flat_map(|words| unknown(&words, help));
    let alone = alone.into_iter().flat_map(|span| options(span.split_whitespace()));
    let nowhere = alone.filter(|option| !help.values().any(|known| known.contains(option)));
    in_commands
        .chain(nowhere.map(|option| format!("there is no {option}")))
        .map(|fault| format!("{}: {fault}", page.name()))
        .collect()
}

/// What is wrong with the words behind `seq2seq`.
fn unknown(words: &[&str], help: &Help) -> Vec<String> {
    let command = words.first().filter(|word| !word.starts_with('-')).copied().unwrap_or_default();
    let Some(known) = help.get(command) else { return vec![format!("there is no {command}")] };
    let unknown = options(words.iter().copied()).filter(|option| !known.contains(option));
    unknown.map(|option| format!("{command} has no {option}")).collect()
}
