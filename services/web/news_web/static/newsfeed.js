// Counts a view once per view of the page, and keeps the number under the headline fresh.
// Everything else on the page works without this file.

const box = document.querySelector(".views[data-article]");
if (box) start(box);

function start(box) {
  const article = box.dataset.article;
  const forms = JSON.parse(box.dataset.forms);
  const numbers = new Intl.NumberFormat(box.lang === "en" ? "en-GB" : box.lang);
  const plurals = new Intl.PluralRules(box.lang);
  let shown = box.dataset.count === undefined ? null : Number(box.dataset.count);
  let timer = 0;

  whenSeen(view);
  addEventListener("pageshow", (event) => {
    if (event.persisted) whenSeen(view); // back from the back/forward cache: a view of the page like any other
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") follow([0]);
    else clearTimeout(timer);
  });

  // A page that is prerendered, or opened in a tab behind this one, has not been seen yet.
  function whenSeen(then) {
    if (document.prerendering) {
      document.addEventListener("prerenderingchange", () => whenSeen(then), { once: true });
    } else if (document.visibilityState !== "visible") {
      document.addEventListener("visibilitychange", () => whenSeen(then), { once: true });
    } else {
      then();
    }
  }

  async function view() {
    const counted = (await send()) || (await pause(2000), await send()); // a repeat of the same view counts once
    if (counted) follow([150, 600, 2000]);
  }

  async function send() {
    try {
      const response = await fetch("/v1/views", {
        method: "POST",
        body: JSON.stringify({ article }),
        headers: { "content-type": "application/json" },
        credentials: "omit",
        keepalive: true, // arrives also when the reader leaves at once
      });
      await response.arrayBuffer(); // an answer that nobody reads keeps its connection
      return response.status !== 503;
    } catch {
      return false;
    }
  }

  // Reads the count after each of the waits until it moves, then twice a minute while the page is seen.
  function follow(waits) {
    clearTimeout(timer);
    const [wait = 30000, ...rest] = waits;
    timer = setTimeout(async () => {
      const moved = await read();
      if (document.visibilityState === "visible") follow(moved ? [] : rest);
    }, wait);
  }

  async function read() {
    try {
      const response = await fetch(`/v1/articles/${article}/views`, { credentials: "omit", cache: "no-cache" });
      if (!response.ok) return false;
      const { views } = await response.json();
      if (!Number.isSafeInteger(views) || views === shown) return false;
      show(views);
      return true;
    } catch {
      return false;
    }
  }

  function show(views) {
    const number = document.createElement("span");
    number.className = shown === null ? "number" : "number ticked";
    number.textContent = numbers.format(views);
    box.replaceChildren("• ", number, ` ${forms[plurals.select(views)] ?? forms.other}`);
    box.dataset.count = String(views);
    shown = views;
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
