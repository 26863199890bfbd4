//! The bytes of every type of event, for ever: what `tests/golden` holds must
//! come out again, and their JSON schemas, of draft 2020-12. `TALLYWATT_BLESS=1` writes the files of new types.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use domain::event::{CATALOGUE, Decoder, Event, ReadingsBatch, decode_canonical, encode_canonical, hex, leaf_hash};
use serde_json::{Value, json};
use tests::samples;

/// A file of `tests/golden`.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

/// Says where a golden file differs; with `TALLYWATT_BLESS=1`, writes it.
fn drift(name: &str, bytes: &[u8]) -> Option<String> {
    if std::env::var("TALLYWATT_BLESS").is_ok_and(|bless| bless == "1") {
        return fs::write(golden(name), bytes).err().map(|error| format!("{name}: {error}"));
    }
    let Ok(held) = fs::read(golden(name)) else {
        return Some(format!("{name}: is not there; a new type is blessed with TALLYWATT_BLESS=1"));
    };
    (held != bytes).then(|| {
        let at = held.iter().zip(bytes).take_while(|(one, other)| one == other).count();
        format!(
            "{name}: drifts at byte {at}: stored logs hold the golden form; make a new version instead\n  golden {}\n  now    {}",
            String::from_utf8_lossy(&held),
            String::from_utf8_lossy(bytes)
        )
    })
}

/// Hexadecimal digits, 64 in a line.
fn hex_lines(bytes: &[u8]) -> String {
    bytes.chunks(32).map(|chunk| hex(chunk) + "\n").collect()
}

/// Whether a value is an event of this program.
fn decodes(value: &Value) -> bool {
    encode_canonical(value).is_ok_and(|bytes| Event::decode(&bytes).is_ok())
}

/// The schema of the part of an event at a pointer, by trial: a member without
/// which the event no longer decodes is required, and where it decodes with one more, more are allowed.
fn schema_of(event: &Value, at: &str) -> Value {
    match event.pointer(at) {
        Some(Value::Object(members)) => {
            let altered = |edit: &dyn Fn(&mut serde_json::Map<String, Value>)| {
                let mut event = event.clone();
                event.pointer_mut(at).and_then(Value::as_object_mut).map(edit);
                decodes(&event)
            };
            let properties: serde_json::Map<String, Value> =
                members.keys().map(|name| (name.clone(), schema_of(event, &format!("{at}/{name}")))).collect();
            let is_required = |name: &&String| !altered(&|members| drop(members.remove(*name)));
            let required: Vec<&String> = members.keys().filter(is_required).collect();
            let open = altered(&|members| drop(members.insert("another".to_owned(), json!(1))));
            json!({"type": "object", "properties": properties, "required": required, "additionalProperties": open})
        }
        Some(Value::Array(items)) => {
            let all = (0..items.len()).map(|index| schema_of(event, &format!("{at}/{index}")));
            let items = all.reduce(either).unwrap_or(json!(true));
            json!({"type": "array", "items": items})
        }
        Some(Value::String(_)) => json!({"type": "string"}),
        Some(Value::Bool(_)) => json!({"type": "boolean"}),
        Some(Value::Number(_)) => json!({"type": "integer"}),
        Some(Value::Null) | None => json!(false),
    }
}

/// What holds for items of both schemas: the members of either, and required what both require.
fn either(mut a: Value, mut b: Value) -> Value {
    let members = |schema: &mut Value| match schema.get_mut("properties").map(Value::take) {
        Some(Value::Object(members)) => Some(members),
        _ => None,
    };
    if a["type"] == json!("array") {
        a["items"] = either(a["items"].take(), b["items"].take());
        return a;
    }
    let (Some(mut all), Some(others)) = (members(&mut a), members(&mut b)) else { return a };
    for (name, other) in others {
        let merged = match all.remove(&name) {
            Some(one) => either(one, other),
            None => other,
        };
        all.insert(name, merged);
    }
    let required = |schema: &Value| schema["required"].as_array().cloned().unwrap_or_default();
    let both: Vec<Value> = required(&a).into_iter().filter(|name| required(&b).contains(name)).collect();
    a["properties"] = Value::Object(all);
    a["required"] = Value::Array(both);
    a
}

/// Fails with all drifts at once.
fn hold(drifts: Vec<String>) {
    assert!(drifts.is_empty(), "{} golden files:\n{}", drifts.len(), drifts.join("\n"));
}

#[test]
fn the_bytes_of_every_type_are_the_golden_ones() -> anyhow::Result<()> {
    let mut drifts = Vec::new();
    for event in samples::all()? {
        let (name, bytes) = (event.body.type_name(), event.encode()?);
        drifts.extend(match event.readings() {
            Some(_) => drift(&format!("{name}.hex"), hex_lines(&bytes).as_bytes()),
            None => drift(&format!("{name}.json"), &bytes),
        });
        assert_eq!(Event::decode(&bytes)?, event, "{name}");
    }
    hold(drifts);
    Ok(())
}

#[test]
fn the_bytes_of_grown_types_are_the_golden_ones() -> anyhow::Result<()> {
    let mut drifts = Vec::new();
    for event in samples::all_grown()? {
        let (name, bytes) = (event.body.type_name(), event.encode()?);
        drifts.extend(drift(&format!("{name}.grown.json"), &bytes));
        assert_eq!(Event::decode(&bytes)?, event, "{name}");
    }
    hold(drifts);
    Ok(())
}

#[test]
fn the_schema_of_every_type_is_the_golden_one() -> anyhow::Result<()> {
    let mut drifts = Vec::new();
    let grown = samples::all_grown()?;
    for event in samples::all()?.iter().filter(|event| event.readings().is_none()) {
        let name = event.body.type_name();
        let samples = grown.iter().filter(|grown| grown.body.type_name() == name).chain([event]);
        let schemas: Result<Vec<Value>, anyhow::Error> =
            samples.map(|event| Ok(schema_of(&decode_canonical(&event.encode()?)?, ""))).collect();
        let mut schema = schemas?.into_iter().reduce(either).context("there is a sample")?;
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        schema["$id"] = json!(format!("urn:tallywatt:event:{name}"));
        schema["properties"]["type"] = json!({"const": name});
        let schema = serde_json::to_string_pretty(&schema)? + "\n";
        drifts.extend(drift(&format!("{name}.schema.json"), schema.as_bytes()));
    }
    hold(drifts);
    Ok(())
}

#[test]
fn the_bytes_of_a_delta_are_the_golden_ones() -> anyhow::Result<()> {
    let [base, delta] = samples::delta()?;
    assert_eq!(delta.readings().and_then(ReadingsBatch::base_position), Some(base.position));
    let mut drifts = Vec::new();
    let mut decoder = Decoder::new();
    for (name, event) in [("base", &base), ("delta", &delta)] {
        let file = format!("readings.recorded.v1.{name}.hex");
        drifts.extend(drift(&file, hex_lines(&event.encode()?).as_bytes()));
        let held = unhex(&fs::read_to_string(golden(&file))?.replace('\n', ""))?;
        assert_eq!(decoder.decode(&held)?, *event, "{file}");
    }
    hold(drifts);
    Ok(())
}

#[test]
fn golden_events_still_decode_and_encode() -> anyhow::Result<()> {
    for name in CATALOGUE {
        let bytes = match fs::read_to_string(golden(&format!("{name}.hex"))) {
            Ok(text) => unhex(&text.replace('\n', ""))?,
            Err(_) => fs::read(golden(&format!("{name}.json"))).with_context(|| (*name).to_owned())?,
        };
        let event = Event::decode(&bytes).with_context(|| (*name).to_owned())?;
        assert_eq!(event.body.type_name(), *name);
        assert_eq!(event.encode()?, bytes, "{name}");
    }
    Ok(())
}

/// The bytes of hexadecimal digits.
fn unhex(text: &str) -> anyhow::Result<Vec<u8>> {
    ensure!(text.len().is_multiple_of(2), "an odd number of digits");
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?)).collect()
}

/// The vectors of a list in canonical.json.
fn vectors(list: &str) -> anyhow::Result<Vec<Value>> {
    let vectors: Value = serde_json::from_slice(&fs::read(golden("canonical.json"))?)?;
    let vectors = vectors[list].as_array().with_context(|| format!("no list {list}"))?.clone();
    ensure!(!vectors.is_empty(), "list {list} is empty");
    Ok(vectors)
}

/// The text of a vector's member.
fn text<'a>(vector: &'a Value, member: &str) -> anyhow::Result<&'a str> {
    vector[member].as_str().with_context(|| format!("{vector} has no {member}"))
}

#[test]
fn canonical_bytes_are_accepted_with_their_leaf() -> anyhow::Result<()> {
    for vector in vectors("accept")? {
        let bytes = unhex(text(&vector, "bytes")?)?;
        assert_eq!(encode_canonical(&vector["value"])?, bytes, "{vector}");
        assert_eq!(decode_canonical(&bytes)?, vector["value"], "{vector}");
        assert_eq!(hex(&leaf_hash(&bytes)), text(&vector, "leaf")?, "{vector}");
    }
    Ok(())
}

#[test]
fn any_other_bytes_are_refused() -> anyhow::Result<()> {
    let mut accepted = Vec::new();
    for vector in vectors("reject")? {
        if decode_canonical(&unhex(text(&vector, "bytes")?)?).is_ok() {
            accepted.push(text(&vector, "why")?.to_owned());
        }
    }
    assert_eq!(accepted, Vec::<String>::new(), "must be refused");
    Ok(())
}
