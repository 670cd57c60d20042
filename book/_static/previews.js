// Shows a statement, or what a chapter is about, while one points at a link to it.
// Not for touch screens: there a tap follows the link.
(() => {
  if (!window.matchMedia("(hover: hover)").matches) return;
  const SHOW_AFTER = 250, HIDE_AFTER = 200;  // milliseconds
  const root = new URL(document.documentElement.dataset.content_root, document.baseURI);
  const box = document.createElement("div");
  let timer, current, loading;

  const load = () => loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    Object.assign(script, {src: new URL("_static/previews-data.js", root), onload: done, onerror: failed});
    document.head.append(script);
  });

  // The address below the book's root, as the data has it; empty for links elsewhere.
  const key = link => {
    const url = new URL(link.getAttribute("href"), document.baseURI);
    const own = url.pathname === location.pathname;
    const inside = url.href.startsWith(root.href) && !(own && !url.hash);
    return inside ? decodeURIComponent(url.href.slice(root.href.length)) : "";
  };

  const place = link => {  // below the link, or above it where there is more room
    const at = link.getBoundingClientRect(), below = innerHeight - at.bottom;
    const under = below >= at.top || below > box.offsetHeight + 8;
    const room = (under ? below : at.top) - 16;
    box.style.maxHeight = `${room}px`;
    box.style.top = `${under ? at.bottom + 4 : at.top - 4 - Math.min(box.offsetHeight, room)}px`;
    box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8))}px`;
  };

  const hide = () => {
    clearTimeout(timer);
    current = undefined;
    window.MathJax?.typesetClear?.([box]);
    box.remove();
  };

  const show = async link => {
    await load();
    const html = window.bookPreviews[key(link)];
    if (link !== current || !html) return;
    link.removeAttribute("title");  // the browser's own tip would lie on top
    box.innerHTML = html;
    box.scrollTop = 0;
    document.body.append(box);
    place(link);
    await window.MathJax?.typesetPromise?.([box]);
    if (link === current) place(link);
  };

  const want = link => {
    clearTimeout(timer);
    if (link === current && box.isConnected) return;
    hide();
    current = link;
    timer = setTimeout(() => show(link).catch(hide), SHOW_AFTER);
  };

  const linkOf = event => {
    const link = event.target.closest?.(".bd-article a[href]:not(.headerlink)");
    return link && key(link) ? link : null;
  };

  box.className = "preview";
  box.setAttribute("aria-hidden", "true");  // a reader of the screen follows the link
  document.addEventListener("mouseover", event => {
    const link = linkOf(event);
    if (link) want(link);
    else if (box.contains(event.target)) clearTimeout(timer);
    else if (current) { clearTimeout(timer); timer = setTimeout(hide, HIDE_AFTER); }
  });
  document.addEventListener("focusin", event => {
    const link = linkOf(event);
    if (link?.matches(":focus-visible")) want(link);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
  document.addEventListener("scroll", event => { if (!box.contains(event.target)) hide(); }, true);
})();
