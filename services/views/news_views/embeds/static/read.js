// Tells that an article was opened: <script async src="…/v1/read.js" data-article="source:guid"></script>
(() => {
  const { src, dataset } = document.currentScript;
  const url = new URL("views", src);
  const body = JSON.stringify(dataset); // {"article": …}
  const send = (again) =>
    fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" })
      .then((answer) => again && answer.status == 503 && setTimeout(send, 2e3))
      .catch(() => navigator.sendBeacon(url, body));
  // Prerendered, or in a tab behind: it is a view when it is seen.
  const view = () => {
    const seen = document.prerendering ? "prerenderingchange" : document.hidden && "visibilitychange";
    if (seen) document.addEventListener(seen, view, { once: true });
    else send(1);
  };
  addEventListener("pageshow", (event) => event.persisted && view());
  view();
})();
