// Runs in the page: an expression whose value says what cannot be read or used.
;(() => {
  /** @typedef {readonly [red: number, green: number, blue: number, opacity: number]} Colour */

  /** @returns {Colour} */
  const parse = (/** @type {string} */ text) => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number)
    return [r, g, b, a]
  }

  /** The relative luminance of WCAG 2.2. */
  const luminance = (/** @type {Colour} */ [r, g, b]) => {
    const [x = 0, y = 0, z = 0] = [r, g, b].map((part) => {
      const level = part / 255
      return level <= 0.03928 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }

  /** @returns {Colour} */
  const groundOf = (/** @type {Element | null} */ element) => {
    for (let each = element; each !== null; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor)
      if (colour[3] > 0) return colour
    }
    return [255, 255, 255, 1]
  }

  const isShown = (/** @type {Element} */ element) => element.getClientRects().length > 0
  const ownText = (/** @type {Element} */ element) =>
    [...element.childNodes]
      .map((node) => (node.nodeType === Node.TEXT_NODE ? node.textContent : ''))
      .join('')
      .trim()

  const faint = [...document.body.querySelectorAll('*')]
    .filter((each) => isShown(each) && ownText(each) !== '')
    .flatMap((element) => {
      const [one, other] = [luminance(parse(getComputedStyle(element).color)), luminance(groundOf(element))]
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
      return ratio < 4.5 ? [`${ratio.toFixed(2)} ${ownText(element)}`] : []
    })

  const nameOf = (/** @type {Element} */ element) =>
    element.getAttribute('aria-label') ??
    ((element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : element.textContent)?.trim() ||
      (element.getAttribute('title') ?? ''))
  const nameless = [...document.querySelectorAll('button, input, a, [role=img]')]
    .filter((element) => isShown(element) && nameOf(element) === '')
    .map((element) => element.outerHTML.slice(0, 80))

  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  const levels = [...document.querySelectorAll('h1, h2, h3')].map(({ tagName }) => Number(tagName[1]))
  return {
    faint,
    nameless,
    sameIds: ids.filter((id, i) => ids.indexOf(id) !== i),
    skipsHeading: levels.some((level, i) => level > (levels[i - 1] ?? 0) + 1),
    language: document.documentElement.lang,
    overflowPixels: Math.max(0, document.documentElement.scrollWidth - innerWidth),
    ground: getComputedStyle(document.body).backgroundColor,
  }
})()
