// Makes and updates elements. Lists keep the elements of what they still show, so that focus and selection survive an update.

/** @typedef {string | Node | undefined} Child */

/** The element with this id, which is in page.html. */
export function byId(/** @type {string} */ id) {
  return /** @type {HTMLElement} */ (document.getElementById(id))
}

/**
 * Makes an element. `attributes` that begin with `on` are listeners.
 * @param {string} tag
 * @param {Readonly<Record<string, string | number | ((event: Event) => void)>>} attributes
 * @param {...Child} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, String(value))
  }
  element.append(...children.filter((child) => child !== undefined))
  return element
}

/** Sets the text of an element if it is another one: an unchanged node keeps a selection. */
export function say(/** @type {Element} */ element, /** @type {string} */ text) {
  if (element.textContent !== text) element.textContent = text
}

/** Shows or hides an element. */
export function show(/** @type {HTMLElement} */ element, /** @type {boolean} */ isShown) {
  if (element.hidden === isShown) element.hidden = !isShown
}

/** The row of a list that has none. */
const EMPTY = '(empty)'

/**
 * Makes the rows of `list` those of `items`. While the pointer or the focus is in the list, no row moves or goes, so that nobody clicks
 * on what was another row a moment ago.
 * @template T
 * @param {HTMLElement} list
 * @param {readonly T[]} items
 * @param {{ keyOf: (item: T) => string, row: (item: T) => HTMLElement, update?: (row: HTMLElement, item: T) => void, empty?: string }} how
 */
export function rows(list, items, { keyOf, row, update, empty }) {
  const isHeld = list.matches(':hover') || list.contains(document.activeElement)
  const children = /** @type {HTMLElement[]} */ ([...list.children])
  const known = new Map(children.map((child) => [child.dataset.row, child]))
  const wanted = items.map((item) => {
    const old = known.get(keyOf(item))
    const element = old ?? row(item)
    element.dataset.row = keyOf(item)
    if (isHeld && old === undefined) return element
    update?.(element, item)
    return element
  })
  if (isHeld && known.size > 0) return
  if (wanted.length === 0 && empty !== undefined) {
    wanted.push(known.get(EMPTY) ?? make('li', { class: 'empty', 'data-row': EMPTY }, empty))
  }
  const isSame = wanted.length === children.length && wanted.every((each, i) => each === children[i])
  if (!isSame) list.replaceChildren(...wanted)
}
