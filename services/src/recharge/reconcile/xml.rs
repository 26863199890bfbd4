//! XML as a tree of elements by their local names, each with its line: a
//! statement's namespace names its version, which makes no difference here.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

/// An element.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) text: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
}

/// Elements may lie so deep.
const DEEPEST: usize = 64;

impl Element {
    fn of(start: &BytesStart<'_>, line: usize) -> Result<Self, String> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let name = attribute.key.local_name().as_ref().to_owned();
            attributes.push((name, attribute.value.clone().into_owned()));
        }
        let name = start.local_name().as_ref().to_owned();
        Ok(Self { name, line, text: String::new(), attributes, children: Vec::new() })
    }

    /// Its children of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element on a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |here, name| here.children.iter().find(|child| child.name == *name))
    }

    /// Its text on a path, trimmed; none where it is empty.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(|element| element.text.trim()).filter(|text| !text.is_empty())
    }

    /// An attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

/// The root of a document; otherwise a line and what is wrong there.
pub(super) fn parse(text: &str) -> Result<Element, (usize, String)> {
    let mut reader = Reader::from_str(text);
    let line = |reader: &Reader<&[u8]>| {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count().saturating_add(1)
    };
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|error| (line(&reader), error.to_string()))?;
        let here = line(&reader);
        let wrong = |problem: &str| (here, problem.to_owned());
        match event {
            Event::Start(start) => {
                if open.len() > DEEPEST {
                    return Err(wrong("elements lie too deep"));
                }
                open.push(Element::of(&start, here).map_err(|problem| (here, problem))?);
            }
            Event::Empty(start) => {
                let element = Element::of(&start, here).map_err(|problem| (here, problem))?;
                open.last_mut().ok_or_else(|| wrong("no element is open"))?.children.push(element);
            }
            Event::End(_) => {
                let done = open.pop().ok_or_else(|| wrong("no element is open"))?;
                open.last_mut().ok_or_else(|| wrong("no element is open"))?.children.push(done);
            }
            Event::Text(words) => add(&mut open, &words.xml10_content()),
            Event::CData(words) => add(&mut open, &words.xml10_content()),
            Event::GeneralRef(name) => {
                let digits = name.resolve_char_ref().map_err(|error| (here, error.to_string()))?;
                let known =
                    digits.map(String::from).or_else(|| resolve_xml_entity(&name.xml10_content()).map(str::to_owned));
                add(&mut open, &known.ok_or_else(|| wrong("an entity is unknown"))?);
            }
            Event::Eof if open.len() == 1 => {
                let root = open.pop().and_then(|mut all| all.children.pop());
                return root.ok_or_else(|| wrong("there is no element"));
            }
            Event::Eof => return Err(wrong("the file ends within an element")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}
