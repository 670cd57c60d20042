// Helpers that every page gets.  `article` is what the authors wrote, without the theme around it.
try { localStorage.clear(); } catch { }  // each visit is the first one of a reader
window.checkBook = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const article = () => ['article.bd-article', 'main article', 'main', '[role=main]', 'body']
    .map(s => document.querySelector(s)).find(Boolean);
  const visible = el => el.checkVisibility({visibilityProperty: true});
  const brief = (text, n = 40) => text.trim().replace(/\s+/g, ' ').slice(0, n);
  const texOf = el =>
    [...(window.MathJax?.startup?.document?.math ?? [])].find(m => m.typesetRoot === el)?.math;
  const name = el => {
    if (el.localName === 'mjx-container') return `formula "${brief(texOf(el) ?? el.textContent)}"`;
    const text = brief(el.getAttribute('src') ?? el.textContent);
    return [el.localName, ...[...el.classList].slice(0, 2)].join('.') + (text && ` "${text}"`);
  };
  // Drawings that the authors put into the text: no icons of buttons and menus, no formulas.
  const drawings = () => all('svg', article()).filter(svg => !svg.parentElement.closest('svg') &&
    !svg.closest('button, nav, summary, [role=button], mjx-container'));
  return {all, article, visible, brief, name, drawings};
})();
