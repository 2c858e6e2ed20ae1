// <news-views article="source:guid" language="uk">&nbsp;</news-views>: how often an article was read, live while the
// page is seen. Shows nothing while the count is not known, and keeps its place meanwhile.
(() => {
  const forms = {}; // words by language and plural: filled in where this file is served
  const base = new URL("views", document.currentScript?.src ?? new URL("/v1/", location));
  // What the server takes: one name that it does not would be an answer to none.
  const isName = /^[\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}$|^[a-z\d][a-z\d._-]{0,63}:[^]*[^\s\x1c-\x1f\x85]/;
  const SPACE = "\u00a0";
  const AT_ONCE = 100;
  const ROUND = 30000;
  const elements = new Set();
  let ids = {};
  let source = null;
  let timer = 0; // until the elements as they are now are followed
  let patience = 0; // with a stream that says nothing
  let rest = 0; // who has no place on the stream

  class NewsViews extends HTMLElement {
    static observedAttributes = ["article", "language"];

    connectedCallback() {
      // Room for six digits from the start, so that nothing moves when the number comes.
      this.style.minInlineSize = `${say(888888, this.language).length}ch`;
      if (!this.textContent.trim()) this.textContent = SPACE;
      elements.add(this);
      again(50); // once for all elements that the parser is about to find
    }

    disconnectedCallback() {
      elements.delete(this);
      again(50);
    }

    attributeChangedCallback(name, before, now) {
      if (!elements.has(this) || before === now) return;
      this.show(null);
      again(50);
    }

    get article() {
      return this.getAttribute("article") ?? "";
    }

    get language() {
      return this.getAttribute("language") || this.closest("[lang]")?.lang || "en";
    }

    show(views) {
      const known = Number.isSafeInteger(views);
      this.toggleAttribute("views", known);
      if (known) this.setAttribute("views", views);
      const text = known ? say(views, this.language) : SPACE;
      if (this.textContent !== text) this.textContent = text;
    }
  }

  function say(views, language) {
    let tag = "und";
    try {
      [tag = "und"] = Intl.NumberFormat.supportedLocalesOf(language);
    } catch {
      // not a language: the plain number
    }
    const number = new Intl.NumberFormat(tag === "und" ? "en" : tag).format(views);
    const words = forms[tag.split("-")[0]];
    if (!words) return `\u{1f441}\ufe0e${SPACE}${number}`;
    const form = words[new Intl.PluralRules(tag).select(views)] ?? words.other;
    return form.replace("{}", number).replaceAll(" ", SPACE);
  }

  function again(wait) {
    clearTimeout(timer);
    timer = setTimeout(follow, wait);
  }

  // One stream for all elements, and only while they are seen: browsers allow few connections to one host.
  function follow() {
    stop();
    const names = [...new Set([...elements].map((element) => element.article))].filter((name) => isName.test(name));
    if (!names.length || document.hidden) return;
    const live = names.splice(0, AT_ONCE);
    const askRest = () => names.forEach((_, next) => next % AT_ONCE || ask(names.slice(next, next + AT_ONCE)));
    askRest();
    rest = setInterval(askRest, ROUND);
    const stream = (source = new EventSource(`${base}/live?${query(live)}`));
    const hear = (event) => {
      clearTimeout(patience);
      const { article, views } = JSON.parse(event.data);
      tell(live.filter((name) => ids[name] === article), views);
    };
    const give = () => {
      // Refused, or kept back by something on the way: ask now and then.
      if (stream !== source) return;
      stop();
      ask(live);
      patience = setTimeout(follow, ROUND);
    };
    stream.addEventListener("articles", (event) => (ids = JSON.parse(event.data)));
    for (const type of ["message", "gone", "unknown"]) stream.addEventListener(type, hear);
    stream.addEventListener("error", () => stream.readyState === EventSource.CLOSED && give());
    patience = setTimeout(give, 5000);
  }

  function stop() {
    clearTimeout(patience);
    clearInterval(rest);
    source?.close();
    source = null;
  }

  async function ask(names) {
    try {
      const answer = await fetch(`${base}?${query(names)}`, { credentials: "omit", cache: "no-cache" });
      if (!answer.ok) return;
      const { items } = await answer.json();
      items.forEach(({ views }, index) => tell([names[index]], views));
    } catch {
      // asked again in a while
    }
  }

  function query(names) {
    return new URLSearchParams(names.map((name) => ["article", name]));
  }

  function tell(names, views) {
    for (const element of elements) if (names.includes(element.article)) element.show(views);
  }

  document.addEventListener("visibilitychange", () => again(0));
  addEventListener("pagehide", stop); // an open stream would keep the page out of the back/forward cache
  addEventListener("pageshow", (event) => event.persisted && again(0));

  const sheet = new CSSStyleSheet(); // not a style element: strict policies forbid those
  sheet.replaceSync(":where(news-views) { display: inline-block; font-variant-numeric: tabular-nums; }");
  document.adoptedStyleSheets.push(sheet);
  if (!customElements.get("news-views")) customElements.define("news-views", NewsViews);
})();
