//! Profiles, decoding, plans and writes of the shipped meters.

use std::collections::BTreeSet;

use super::profile_file::read;
use super::*;

fn shipped() -> Profiles {
    Profiles::shipped().expect("the shipped profiles are right")
}

const KPM: &str = include_str!("profiles/kpm33b.toml");

#[test]
fn every_shipped_file_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/meter_bus/profiles");
    let names: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    assert_eq!(names, shipped().ids().map(str::to_owned).collect());
}

#[test]
fn a_wrong_file_names_line_and_key() {
    for (from, to, want) in [
        ("schema = 1", "schema = 2", "x.toml: schema: only schema 1"),
        ("id = \"x\"", "id = \"y\"", "x.toml: id: `y` is not the file's name"),
        ("baud = 9600", "baud = \"fast\"", "x.toml:26: baud: invalid type"),
        ("phases = 3", "phasen = 3", "x.toml:6: phasen: unknown field `phasen`"),
        ("parity = \"E\"", "parity = \"X\"", "x.toml: serial.parity: N, E or O"),
        ("resolution_kwh = \"0.001\"", "resolution_kwh = \"0\"", "x.toml: energy.resolution_kwh: `0` is no decimal"),
        ("address = 0x0082\nwords = 2", "address = 0x0082\nwords = 3", "at 0x0082: words: 2 with this type, not 3"),
        ("off = 0x0000", "off = 0x0001", "x.toml: relay: a coil has"),
        ("address = 0x001B", "address = 0x001E", "x.toml: relay: this profile forbids a register"),
        ("address = 0x001B", "address = 0x0024", "x.toml: relay: this profile forbids a register"),
        ("fc = 3\naddress = 0x0082", "fc = 4\naddress = 0x0082", "at 0x0082: fc: 3 or 4"),
        ("length = 13", "length = 15", "at 0x0012: length"),
    ] {
        let good = KPM.replace("id = \"kpm33b\"", "id = \"x\"");
        assert!(good.contains(from), "{from}");
        let error = read("x.toml", &good.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(want), "{error}\nwants {want}");
    }
}

/// Reads are open, writes are not: of every profile and every order.
#[test]
fn no_order_of_any_profile_touches_what_is_forbidden() {
    let all = shipped();
    let everything: Vec<Span> =
        all.ids().filter_map(|id| all.get(id)).flat_map(|profile| profile.writes.forbidden.clone()).collect();
    let dangerous = [(0x000C, 1), (0x0000, 3), (0x001B, 2)].map(|(address, words)| Span { address, words });
    assert!(dangerous.iter().all(|span| everything.contains(span)), "the KPM33B forbids them");
    let mut writes = 0;
    for profile in all.ids().filter_map(|id| all.get(id)) {
        let clock = |seconds| Order::Clock(chrono::DateTime::from_timestamp(seconds, 0).expect("a date").naive_utc());
        let orders = [Order::Relay(Contact::On), Order::Relay(Contact::Off), Order::RemoteMode];
        for order in orders.into_iter().chain([0, 951_782_399, 4_102_444_799].map(clock)) {
            let Some(write) = profile.write(order) else { continue };
            writes += 1;
            assert!(!everything.iter().any(|span| write.touches(*span)), "{}: {write:?}", profile.id);
        }
    }
    assert_eq!(writes, 8, "KPM33B: relay twice, mode, three clocks; DDS238: relay twice");
}

#[test]
fn a_users_file_opens_no_way_to_what_is_forbidden() {
    let good = KPM.replace("id = \"kpm33b\"", "id = \"mine\"");
    let mut all = shipped();
    assert_eq!(all.add("kpm33b.toml", KPM).map_err(|error| error.key), Err("id".to_owned()));
    all.add("mine.toml", &good).expect("a copy under another name");
    // The same meter, its prohibitions left out, its relay where energy is erased.
    let without =
        good.replace("id = \"mine\"", "id = \"evil\"").split("[[forbidden]]").next().expect("a head").to_owned();
    let register = "[[register]]\nquantity = \"import_kwh\"\nfc = 3\naddress = 0x82\nwords = 2\ntype = \"f32\"\nscale = \"1\"\nunit = \"kWh\"\n";
    for address in ["0x000C", "0x0000", "0x0001", "0x0002", "0x001B", "0x001C"] {
        let relay = format!(
            "[relay]\nkind = \"register\"\naddress = {address}\nread_fc = 3\nwrite_fc = 16\non = 0x5578\noff = 0\non_means = \"x\"\n"
        );
        let head = without.split("[relay]").next().expect("a head");
        let error = all.add("evil.toml", &format!("{head}{relay}{register}")).expect_err(address);
        assert!(error.problem.contains("erases"), "{error}");
    }
}

#[test]
fn the_writes_of_a_kpm33b_are_those_of_its_manual() {
    let all = shipped();
    let kpm = all.get("kpm33b").expect("shipped");
    let write = |order| kpm.write(order).map(|write| (write.function(), write.address(), write.words().to_vec()));
    assert_eq!(write(Order::Relay(Contact::On)), Some((5, 1, vec![0xFF00])));
    assert_eq!(write(Order::Relay(Contact::Off)), Some((5, 1, vec![0])));
    assert_eq!(write(Order::RemoteMode), Some((16, 0x1E, vec![0xDD22])));
    let at = chrono::NaiveDate::from_ymd_opt(2026, 3, 1).and_then(|day| day.and_hms_opt(13, 5, 59)).expect("a date");
    assert_eq!(write(Order::Clock(at)), Some((16, 0x23, vec![0x1A03, 0x010D, 0x053B])));
    assert_eq!((kpm.relay_is_on(1), kpm.relay_is_on(0), kpm.relay_is_on(2)), (Some(true), Some(false), None));
    let dds = all.get("hiking_dds238").expect("shipped");
    assert_eq!(
        dds.write(Order::Relay(Contact::Off)).map(|write| (write.function(), write.address())),
        Some((16, 0x1A))
    );
    assert_eq!(dds.write(Order::RemoteMode), None);
}

#[test]
fn the_blocks_of_a_poll_differ_in_length() {
    let all = shipped();
    let blocks = |id: &str| {
        let blocks = all.get(id).expect("shipped").poll_blocks();
        blocks.into_iter().map(|block| (block.fc, block.address, block.count)).collect::<Vec<_>>()
    };
    let kpm = [(3, 0x12, 7), (3, 0x1E, 1), (3, 0x23, 3), (3, 0x48, 2), (3, 0x82, 18), (1, 1, 1)];
    assert_eq!(blocks("kpm33b"), kpm);
    for id in all.ids() {
        let blocks = blocks(id);
        let lengths: BTreeSet<_> = blocks.iter().map(|(fc, _, count)| (*fc, *count)).collect();
        assert_eq!(lengths.len(), blocks.len(), "{id}: {blocks:?}");
    }
}

/// A register of `kind`, read from these words with this scale; `words` as on the wire.
fn decoded(kind: &str, scale: &str, extra: &str, words: &[u16]) -> String {
    let text = format!(
        "schema = 1\nid = \"t\"\nvendor = \"\"\nmodel = \"\"\ndescription = \"\"\nphases = 1\nverified = \"\"\nsources = []\n\
         [serial]\nbaud = 9600\nparity = \"N\"\ndata_bits = 8\nstop_bits = 1\ndefault_unit = 1\n\
         [limits]\nmax_registers = 20\nfunction_codes = [3]\n[[register]]\nquantity = \"import_kwh\"\nfc = 3\naddress = 0\n\
         words = {}\ntype = \"{kind}\"\nscale = \"{scale}\"\nunit = \"kWh\"\n{extra}",
        words.len()
    );
    let profile = read("t.toml", &text).expect("a good profile");
    profile.value(profile.energy().expect("an energy"), words).text()
}

/// The words of an f32 are given by its bits.
fn f32_text(bits: u32) -> String {
    let [a, b, c, d] = bits.to_be_bytes();
    decoded("f32", "1", "", &[u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
}

#[test]
fn words_become_exact_decimals() {
    for (kind, scale, extra, words, want) in [
        ("u16", "0.1", "", &[1234][..], "123.4"),
        ("u16", "1000", "", &[65_535], "65535000"),
        ("i16", "0.01", "", &[0xFFFF], "-0.01"),
        ("u32", "0.01", "", &[0x0001, 0x0000], "655.36"),
        ("u32", "0.01", "word_order = \"little\"\n", &[0x0001, 0x0000], "0.01"),
        ("i32", "0.1", "", &[0x8000, 0x0000], "-214748364.8"),
        ("u64", "0.01", "", &[0, 1, 0, 0], "42949672.96"),
        ("u64", "0.001", "", &[0xFFFF; 4], "18446744073709551.615"),
        ("i64", "0.001", "", &[0xFFFF; 4], "-0.001"),
        ("u64", "0.01", "invalid = \"0xFFFFFFFFFFFFFFFF\"\n", &[0xFFFF; 4], "invalid"),
        ("i16", "1", "invalid = \"0x7FFF\"\n", &[0x7FFF], "invalid"),
        ("u32", "1", "invalid = \"0x00010002\"\nword_order = \"little\"\n", &[2, 1], "invalid"),
        // 0.1 of an f64, in Wh.
        ("f64", "1", "", &[0x3FB9, 0x9999, 0x9999, 0x999A], "0.100"),
        ("f64", "0.001", "", &[0x3FB9, 0x9999, 0x9999, 0x999A], "0.000"),
        ("f64", "1", "", &[0x7FF0, 0, 0, 0], "inf"),
        ("f64", "1", "", &[0x7FEF, 0xFFFF, 0xFFFF, 0xFFFF], "inf"),
        ("f64", "1", "", &[0, 0, 0, 1], "0.000"),
    ] {
        assert_eq!(decoded(kind, scale, extra, words), want, "{kind} {scale} {extra} {words:x?}");
    }
}

#[test]
fn an_f32_is_rounded_to_the_step() {
    for (bits, want) in [
        (0x4261_52F2, "56.331"), // 56.331
        (0x0000_0000, "0.000"),
        (0x8000_0000, "0.000"), // negative zero
        (0x3F80_0000, "1.000"),
        (0xBF80_0000, "-1.000"),
        (0x3A03_126F, "0.001"),     // 0.0005000000237…
        (0x3A03_126E, "0.000"),     // 0.0004999999655…
        (0x0000_0001, "0.000"),     // the least of all
        (0x4780_0001, "65536.008"), // one step of 7.8 Wh
        (0x4B80_0000, "16777216.000"),
        (0x7F80_0000, "inf"),
        (0xFF80_0000, "inf"),
        (0x7FC0_0000, "nan"),
        (0x7F7F_FFFF, "inf"), // 3.4e38 kWh is no register
    ] {
        assert_eq!(f32_text(bits), want, "{bits:08x}");
    }
}

#[test]
fn text_and_clocks_are_read_or_none() {
    let all = shipped();
    let kpm = all.get("kpm33b").expect("shipped");
    let words = |bytes: &[u8]| bytes.chunks(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect::<Vec<_>>();
    let value = |quantity, words: &[u16]| kpm.value(kpm.whole(quantity).expect("mapped"), words).text();
    assert_eq!(value(Quantity::Serial, &words(b"33B1225950027\xFF")), "33B1225950027");
    assert_eq!(value(Quantity::Serial, &[0; 7]), "unreadable");
    assert_eq!(value(Quantity::Serial, &words(b"33B\x01225950027\0")), "unreadable");
    assert_eq!(value(Quantity::Serial, &words(b"33B1")), "unreadable");
    assert_eq!(value(Quantity::Clock, &[0x1A01, 0x0C0F, 0x1E05]), "2026-01-12T15:30:05");
    assert_eq!(value(Quantity::Clock, &[0x1A0D, 0x0C0F, 0x1E05]), "unreadable");
    assert_eq!(value(Quantity::Clock, &[0; 3]), "unreadable");
}
