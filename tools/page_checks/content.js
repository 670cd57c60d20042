// Ids, links and everything about the text itself: one look at desktop size.
async () => {
  const {all, article, visible, brief, name, drawings} = checkBook;
  const faults = [];
  const fault = (kind, detail) => faults.push([kind, detail]);
  const sleep = ms => new Promise(done => setTimeout(done, ms));

  const mathFault = async () => {  // why the formulas of this page are not typeset
    const formulas = all('.math').length;
    const started = () => window.MathJax?.startup?.promise;
    for (let i = 0; i < 30 && formulas && window.MathJax && !started(); i++) await sleep(100);
    if (!started()) return formulas ? `MathJax never came up, formulas: ${formulas}` : '';
    const late = sleep(20000).then(() => 'MathJax did not finish in 20 s');
    return Promise.race([late, started().then(() => '', error => `MathJax failed: ${error}`)]);
  };
  const noMath = await mathFault();
  if (noMath) fault('tex', noMath);

  // Readers unfold what is folded, and see the pictures further down: so does this tool.
  all('details').forEach(el => { el.open = true; });
  all('.toggle-hidden').forEach(el => el.classList.remove('toggle-hidden'));
  document.head.insertAdjacentHTML('beforeend', `<style>
    .sd-tab-set > .sd-tab-content { display: block !important; }
    *, *::before, *::after { transition: none !important; animation: none !important; }</style>`);
  const lazy = all('img[loading=lazy]');
  lazy.forEach(img => { img.loading = 'eager'; });
  await Promise.race([sleep(5000), Promise.all(lazy.map(img => img.decode().catch(() => {})))]);
  await document.fonts.ready;

  all('mjx-merror').forEach(el =>
    fault('tex', `MathJax error: ${el.dataset.mjxError || brief(el.textContent, 60)}`));
  all('mjx-assistive-mml mtext[mathcolor=red]').filter(el => el.textContent.startsWith('\\'))
    .forEach(el => fault('tex', `MathJax does not know ${brief(el.textContent)}`));
  all('mjx-container').filter(el => visible(el) && el.getBoundingClientRect().width === 0)
    .forEach(el => fault('tex', `formula of zero width: ${name(el)}`));
  const code = 'code, pre, script, style, textarea, noscript, template, mjx-container, ' +
    'mjx-merror, mjx-assistive-mml' + (noMath ? ', .math' : '');
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const {data, parentElement} = texts.currentNode;
    const raw = data.match(/\\[()[\]]|\$\$|\\[A-Za-z]{2,}/);
    if (raw && !parentElement.closest(code) && visible(parentElement))
      fault('tex', `raw TeX in ${parentElement.localName}: ` +
            `"${brief(data.slice(Math.max(0, raw.index - 20)), 60)}"`);
  }

  const shown = el => !el.closest('[aria-hidden=true]');
  all('img').filter(shown).forEach(img => {
    const alt = img.getAttribute('alt')?.trim();
    if (!alt) fault('alt', `no alt text: ${name(img)}`);
    else if (/\.(png|svg|jpe?g|gif|webp|avif|bmp|pdf)$/i.test(alt) || /_build|images\//.test(alt))
      fault('alt', `the alt text is a file name: "${alt}"`);
  });
  drawings().filter(shown).forEach(svg => {
    const labels = (svg.getAttribute('aria-labelledby') ?? '').split(/\s+/)
      .map(id => document.getElementById(id)?.textContent ?? '');
    const title = svg.querySelector(':scope > title')?.textContent ?? '';
    const label = [svg.getAttribute('aria-label') ?? '', title, ...labels].join('').trim();
    if (svg.getAttribute('role') !== 'img' || !label)
      fault('alt', `svg needs role="img" and a label: ${name(svg)}`);
  });

  const counts = new Map();
  all('[id]').forEach(el => counts.set(el.id, (counts.get(el.id) ?? 0) + 1));
  counts.forEach((n, id) => { if (n > 1) fault('duplicate-id', `id "${id}" ${n} times`); });
  all('link[rel~=preconnect], link[rel~=dns-prefetch]').forEach(link =>
    fault('outside-request', `${link.rel} ${link.href}`));
  const href = a => a.getAttribute('href') ?? a.getAttribute('xlink:href');
  return {
    faults,
    ids: [...counts.keys(), ...all('a[name]').map(a => a.name)],
    links: all('a, area').map(href).filter(h => h && URL.canParse(h, document.baseURI))
      .map(h => [h, new URL(h, document.baseURI).href]),
  };
}
