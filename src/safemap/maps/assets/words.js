// Words and numbers in the language of the page; the rules come from the table that Python uses too.
(function (S) {
  "use strict";
  const style = () => S.data.numbers[S.state.language];

  S.number = function (value, decimals) {
    if (value === null || value === undefined || !isFinite(value)) return "–";
    const fixed = Math.abs(value).toFixed(decimals || 0).split(".");
    const whole = fixed[0].replace(/\B(?=(\d{3})+$)/g, style().thousands);
    const sign = value < 0 && Number(fixed.join(".")) ? "\u2212" : "";
    return sign + whole + (fixed[1] ? style().decimal + fixed[1] : "");
  };

  // A change: always with its sign.
  S.signed = value => (value > 0 ? "+" : "") + S.percent(value / 100, 0);

  S.percent = (share, decimals) => S.number(share * 100, decimals) + style().percent;

  S.plural = function (count) {
    const rule = style().plural;
    if (rule === "none") return "other";
    if (rule === "two") return count === 1 ? "one" : "other";
    if (count % 10 === 1 && count % 100 !== 11) return "one";
    return count % 10 >= 2 && count % 10 <= 4 && !(count % 100 >= 12 && count % 100 <= 14) ? "few" : "many";
  };

  function fill(slot, name) {
    if (slot === undefined) return "{" + name + "}";
    if (slot === null || typeof slot !== "object") return String(slot);
    if (slot.t !== undefined) return S.own(slot);
    if (slot.k) return S.t(slot.k, slot.s);
    return slot.pct ? S.percent(slot.v, slot.d) : S.number(slot.v, slot.d);
  }

  S.t = function (key, slots, count) {
    const words = S.data.words;
    let word = words[S.state.language][key];
    if (word === undefined) word = words.en[key];
    if (word === undefined) return key;
    if (typeof word === "object") word = word[S.plural(count || 0)] || word.other || word.many;
    return word.replace(/\{(\w+)\}/g, (whole, name) => fill((slots || {})[name], name));
  };

  S.message = function (message) {
    const text = S.t(message.k, message.s);
    if (message.p) return message.p + ": " + text;
    return message.k.startsWith("f_") ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  };

  // Text of the caller: one for all languages, or one for each.
  S.own = text => text.by && Object.hasOwn(text.by, S.state.language) ? text.by[S.state.language] : text.t;
  S.layerName = layer => layer.name.t !== undefined ? S.own(layer.name) : S.message(layer.name);

  // The heading of the map belongs to the first layer; a crime title over answers would mislead.
  S.heading = function (layer) {
    const title = S.data.titles ? S.own({t: S.data.title, by: S.data.titles}) : S.data.title;
    if (title && layer.base === S.data.layers[0].base) return title;
    const place = layer.base !== S.data.layers[0].base && S.data.place ? ", " + S.own(S.data.place) : "";
    return S.layerName(layer) + place;
  };
  S.counted = (key, count) => S.t(key, null, count);

  // One spelling for search: no accents, no apostrophes, Cyrillic in Latin letters, letters that sound alike merged.
  const LATIN = {
    а: "a", б: "b", в: "v", г: "g", д: "d", е: "e", ё: "e", ж: "j", з: "z", и: "i", й: "i", к: "k", л: "l",
    м: "m", н: "n", о: "o", п: "p", р: "r", с: "s", т: "t", у: "u", ф: "f", х: "h", ц: "ts", ч: "ch", ш: "sh",
    щ: "sh", ъ: "", ы: "i", ь: "", э: "e", ю: "iu", я: "ia", ў: "o", қ: "k", ғ: "g", ҳ: "h",
  };
  S.fold = function (text) {
    const latin = Array.from(text.toLowerCase().normalize("NFC"), c => c in LATIN ? LATIN[c] : c).join("");
    return latin.normalize("NFD").replace(/[\u0300-\u036f'`’‘ʻʼ´]/g, "")
      .replace(/zh/g, "j").replace(/kh/g, "h").replace(/x/g, "h").replace(/q/g, "k").replace(/y/g, "i")
      .replace(/\s+/g, " ").trim();
  };
})(window.safemap);
