// The text of a PDF that a browser printed: its pages' glyphs by the maps that the file has for readers.
import { inflateSync } from "node:zlib";

// Objects by number: the text before a stream, and the stream.
function objects(bytes) {
  const text = bytes.toString("latin1");
  const all = new Map();
  for (const found of text.matchAll(/(?:^|\n)(\d+) 0 obj\s/g)) {
    const start = found.index + found[0].length;
    const end = text.indexOf("endobj", start);
    const head = text.slice(start, end);
    const at = head.search(/stream\r?\n/);
    if (at < 0) { all.set(Number(found[1]), { head, stream: "" }); continue; }
    const from = start + at + head.slice(at).match(/stream\r?\n/)[0].length;
    const length = Number(head.slice(0, at).match(/\/Length (\d+)/)[1]);
    const raw = bytes.subarray(from, from + length);
    const stream = head.slice(0, at).includes("FlateDecode") ? inflateSync(raw) : raw;
    all.set(Number(found[1]), { head: head.slice(0, at), stream: stream.toString("latin1") });
  }
  return all;
}

const utf16 = (hex) => hex.match(/..../g).map((unit) => String.fromCharCode(parseInt(unit, 16))).join("");

// Which text a font's glyphs stand for.
function glyphs(map) {
  const of = new Map();
  for (const block of map.matchAll(/beginbfchar([\s\S]*?)endbfchar/g)) {
    for (const [, glyph, text] of block[1].matchAll(/<(\w+)>\s*<(\w+)>/g)) of.set(parseInt(glyph, 16), utf16(text));
  }
  for (const block of map.matchAll(/beginbfrange([\s\S]*?)endbfrange/g)) {
    for (const [, first, last, text] of block[1].matchAll(/<(\w+)>\s*<(\w+)>\s*<(\w+)>/g)) {
      for (let at = parseInt(first, 16), code = parseInt(text, 16); at <= parseInt(last, 16); at += 1, code += 1) of.set(at, String.fromCodePoint(code));
    }
  }
  return of;
}

const names = (text, key, all) => {
  const direct = text.match(new RegExp(`/${key}\\s*<<([\\s\\S]*?)>>`))?.[1];
  const held = text.match(new RegExp(`/${key} (\\d+) 0 R`))?.[1];
  return direct ?? (held ? all.get(Number(held)).head : "");
};

// The text of each page, without regard to gaps between words.
export function pages(bytes) {
  const all = objects(bytes);
  const found = [];
  for (const { head } of all.values()) {
    if (!/\/Type\s*\/Page\b(?!s)/.test(head)) continue;
    const fonts = new Map();
    for (const [, name, number] of names(head, "Font", all).matchAll(/\/(\w+) (\d+) 0 R/g)) {
      const map = all.get(Number(number)).head.match(/\/ToUnicode (\d+) 0 R/)?.[1];
      // A font of drawings has one byte for a glyph, the others two.
      const digits = /\/Subtype\s*\/Type3/.test(all.get(Number(number)).head) ? 2 : 4;
      if (map) fonts.set(name, { digits, of: glyphs(all.get(Number(map)).stream) });
    }
    const contents = [...(head.match(/\/Contents\s*(\[[^\]]*\]|\d+ 0 R)/)?.[1] ?? "").matchAll(/(\d+) 0 R/g)].map((one) => Number(one[1]));
    let text = "", font;
    for (const [, name, shown] of contents.map((one) => all.get(one).stream).join("\n").matchAll(/\/(\w+) [\d.]+ Tf|((?:<\w+>|\[[^\]]*\])\s*TJ?)/g)) {
      if (name) { font = fonts.get(name); continue; }
      for (const [, hex] of font ? shown.matchAll(/<(\w+)>/g) : []) {
        for (let at = 0; at < hex.length; at += font.digits) text += font.of.get(parseInt(hex.slice(at, at + font.digits), 16)) ?? "";
      }
    }
    found.push(text);
  }
  return found;
}
