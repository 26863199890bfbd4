//! `explain --json`, and `--site` on the commands that read a log.

use anyhow::Context;
use serde_json::Value;
use tests::cases;
use tests::run::{bills, command, json, run};

/// A decimal as millionths.
fn micro(value: &Value) -> anyhow::Result<i64> {
    let text = value.as_str().context("a decimal is a text")?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    Ok(format!("{whole}{fraction:0<6}").parse()?)
}

#[test]
fn a_document_adds_up_to_its_line_and_says_what_the_command_says() -> anyhow::Result<()> {
    let (mut energies, mut shares) = (0, 0);
    for name in ["hand-late", "hand-area", "everything-1"] {
        let case = cases::named(name)?;
        let folder = tempfile::tempdir()?;
        let out = folder.path().join("out");
        run(&case.path, &case.until, &out, &[])?;
        let dir = out.display().to_string();
        for ((account, month), bill) in bills(&out)?.iter().take(6) {
            let of = format!("{account}/{month}");
            let count = |key: &str| bill[key].as_array().map_or(0, Vec::len);
            for line in 1..=count("indoor") + count("shared") {
                let line = line.to_string();
                let ask = ["explain", &dir, "--bill", &of, "--line", &line];
                let document = json(["tallywatt"].into_iter().chain(ask).chain(["--json"]))?;
                let (_, said) = command(&ask)?;
                let text: Vec<&str> = said.lines().map(str::trim_start).collect();
                let told: Vec<&str> =
                    document["text"].as_array().context("text")?.iter().filter_map(Value::as_str).collect();
                assert_eq!(told, text, "{name} {of} {line}");
                if document["line"]["key"]["component"] == "energy" {
                    energies += 1;
                    let slices = document["slices"].as_array().context("slices")?;
                    let sum: i64 =
                        slices.iter().map(|slice| micro(&slice["in_line_kwh"])).sum::<anyhow::Result<i64>>()?;
                    assert_eq!(sum, micro(&document["line"]["quantity"])?, "{name} {of} {line}");
                    assert!(slices.iter().all(|slice| slice["registers"][0]["events"].is_array()), "{document}");
                }
                if document["share"].is_object() {
                    shares += 1;
                    let mut energy = 0;
                    for day in document["days"].as_array().context("days")? {
                        energy += micro(&day["rest_kwh"])?;
                        for share in day["shares"].as_array().context("shares")? {
                            energy += micro(&share["energy_kwh"])?;
                        }
                    }
                    assert_eq!(energy, micro(&document["share"]["energy_kwh"])?, "{name} {of} {line}");
                }
            }
        }
    }
    assert!(energies > 0 && shares > 0, "{energies} and {shares}");
    Ok(())
}

#[test]
fn a_site_can_be_named_and_another_is_not_there() -> anyhow::Result<()> {
    let case = cases::named("hand-late")?;
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    run(&case.path, &case.until, &out, &[])?;
    let dir = out.display().to_string();
    let site = json(["tallywatt", "export", "hledger", &dir, "--out", &out.join("j").display().to_string(), "--json"])?;
    let site = site["site"].as_str().context("site")?.to_owned();
    let correct = ["correct", &dir, "--post", "A-1=1.00", "--reference", "P", "--by", "a", "--reason", "b"];
    let commands: [&[&str]; 4] = [
        &["audit", "account", &dir, "A-1"],
        &["audit", "changes", &dir],
        &["close-check", &dir, "--month", "2026-02"],
        &correct,
    ];
    for line in commands {
        let plain = command(line)?;
        let named: Vec<&str> = line.iter().copied().chain(["--site", &site]).collect();
        let without_now = |(code, said): (u8, String)| {
            (code, said.lines().filter(|line| !line.contains("known at")).collect::<Vec<_>>().join("\n"))
        };
        assert_eq!(without_now(command(&named)?), without_now(plain), "{line:?}");
        let other: Vec<&str> = line.iter().copied().chain(["--site", "elsewhere"]).collect();
        let (code, said) = command(&other)?;
        assert!(code > 1 && said.contains("the log has no event"), "{line:?}: {code} {said}");
    }
    Ok(())
}
