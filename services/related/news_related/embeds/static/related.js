// <news-related article="source:guid" language="uk" limit="5"></news-related>: what belongs to an article, as the
// fragment that the service makes. Stays as it was when the service does not answer. The page's style sheet keeps room
// for it: only that is there before the first line is drawn.
(() => {
  const base = new URL("articles/", document.currentScript?.src ?? new URL("/v1/", location));
  const isName = /^[\da-f-]{36}$|^[a-z\d][\w.-]*:./i;

  class NewsRelated extends HTMLElement {
    static observedAttributes = ["article", "language", "limit", "kind"];

    connectedCallback() {
      this.fill();
    }

    disconnectedCallback() {
      this.asking?.abort();
    }

    attributeChangedCallback(name, before, now) {
      if (this.isConnected && before !== now) this.fill();
    }

    get limit() {
      return this.getAttribute("limit") ?? "5";
    }

    async fill() {
      this.asking?.abort();
      const article = this.getAttribute("article") ?? "";
      if (!isName.test(article)) return;
      const asking = (this.asking = new AbortController());
      const wanted = new URLSearchParams({ limit: this.limit });
      wanted.set("words", this.getAttribute("language") || this.closest("[lang]")?.lang || "en");
      for (const kind of (this.getAttribute("kind") ?? "").split(" ").filter(Boolean)) wanted.append("kind", kind);
      try {
        const address = new URL(`${encodeURIComponent(article)}/related.html?${wanted}`, base);
        const answer = await fetch(address, { credentials: "omit", signal: asking.signal });
        if (answer.status === 404 || answer.status === 410) this.replaceChildren();
        if (!answer.ok) return;
        const template = document.createElement("template");
        template.innerHTML = await answer.text();
        if (!asking.signal.aborted) this.replaceChildren(template.content);
      } catch {
        // not now: what stands there stays
      }
    }
  }

  customElements.get("news-related") || customElements.define("news-related", NewsRelated);
})();
