//! The forms of a served page, as a browser would send them.

use anyhow::{Context as _, Result};

/// A form that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Its fields as they stand on the page.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What stands in it: of a choice, the first.
    pub value: String,
    /// Whether the page shows it, so that a person may write into it.
    pub is_shown: bool,
}

impl Form {
    /// What it asks for.
    pub fn act(&self) -> &str {
        self.fields.iter().find(|field| field.name == "act").map_or("", |field| field.value.as_str())
    }
}

/// A text as it was before it stood in a page.
pub fn plain(text: &str) -> String {
    let text = text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"").replace("&#39;", "'");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#38;", "&").replace("&amp;", "&")
}

/// An attribute of a tag; none where it has none.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(plain(rest.split('"').next()?))
}

/// The forms of a page at a path that are posted.
pub fn forms(path: &str, page: &str) -> Result<Vec<Form>> {
    let mut all = Vec::new();
    for part in page.split("<form").skip(1) {
        let (head, rest) = part.split_once('>').context("a tag ends")?;
        if attribute(head, "method").as_deref() != Some("post") {
            continue;
        }
        let body = rest.split("</form>").next().context("a form ends")?;
        let action = attribute(head, "action").unwrap_or_else(|| path.to_owned());
        all.push(Form { action, fields: fields(body)? });
    }
    Ok(all)
}

fn fields(body: &str) -> Result<Vec<Field>> {
    let mut all = Vec::new();
    for (at, _) in body.match_indices('<') {
        let tag = body.get(at..).context("a tag begins")?;
        let kind = ["<input", "<select", "<textarea"].into_iter().find(|kind| tag.starts_with(kind));
        let Some(kind) = kind else { continue };
        let (head, rest) = tag.split_once('>').context("a tag ends")?;
        let Some(name) = attribute(head, "name") else { continue };
        let value = match kind {
            "<select" => {
                let options = rest.split("</select>").next().unwrap_or_default();
                options.split_once("<option").and_then(|(_, option)| attribute(option, "value"))
            }
            "<textarea" => rest.split("</textarea>").next().map(|text| plain(text.trim_start_matches('\n'))),
            _ => attribute(head, "value"),
        };
        let is_shown = attribute(head, "type").as_deref() != Some("hidden");
        all.push(Field { name, value: value.unwrap_or_default(), is_shown });
    }
    Ok(all)
}
