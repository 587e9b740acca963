// Keeps the page as the controller tells it: whatever is new is fetched as the server renders it.
"use strict";
(() => {
  const news = document.getElementById("news");
  const live = document.getElementById("live");
  let told = [];
  let timer = 0;

  function isInUse(region) {
    const active = document.activeElement;
    return region.contains(active) && active.matches("input, select, textarea");
  }

  function take(fresh) {
    for (const region of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(region.id);
      if (!other || isInUse(region) || other.isEqualNode(region)) continue;
      const active = document.activeElement;
      const href = region.contains(active) ? active.getAttribute("href") : null;
      const scrolled = [...region.querySelectorAll(".scroll")].map((part) => part.scrollLeft);
      for (const open of region.querySelectorAll("details[open]")) {
        const again = fresh.getElementById(open.id);
        if (again) again.open = true;
      }
      region.replaceChildren(...other.childNodes);
      region.querySelectorAll(".scroll").forEach((part, index) => { part.scrollLeft = scrolled[index] || 0; });
      const again = href && [...region.querySelectorAll("a")].find((link) => link.getAttribute("href") === href);
      if (again) again.focus({ preventScroll: true });
    }
    const [old, now] = [document, fresh].map((page) => page.querySelector("footer time"));
    if (old && now) old.replaceWith(now);
  }

  async function refresh() {
    timer = 0;
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok && !answer.redirected) {
        take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      }
    } catch { return; }
    if (told.length === 0) return;
    const last = told[told.length - 1].event;
    const text = [last.host || last.release, last.kind].filter(Boolean).join(": ");
    news.textContent = told.length === 1 ? text : `${told.length} events, the last is ${text}`;
    told = [];
  }

  function soon() {
    timer = timer || setTimeout(refresh, 1000);
  }

  const source = new EventSource("/api/v1/events");
  source.addEventListener("told", (event) => { told.push(JSON.parse(event.data)); soon(); });
  source.addEventListener("status", soon);
  source.addEventListener("open", () => { live.hidden = false; live.dataset.on = ""; soon(); });
  source.addEventListener("error", () => { live.hidden = false; delete live.dataset.on; });
  document.addEventListener("visibilitychange", soon);
})();
