// One key: what a read would do and why, what is left of its life, and what happened to it.
import { byId, make, show } from './dom.js'
import { showEvents } from './panels.js'
import { count, span } from './text.js'

/** @typedef {import('../view/view.js').KeyReport} Report */
/** @typedef {NonNullable<Report['explanation']['l1']>} Entry */
/** @typedef {(path: string, fields: object) => Promise<Response>} Post */

/** Shows the report of a key in the page, with buttons that change it if `change` is given. */
export function showReport(/** @type {Report} */ report, /** @type {((verb: string) => void) | undefined} */ change) {
  const { explanation, value, reads } = report
  const { why, l1, l2, storeKey, isQueued } = explanation
  const events = make('ul', { class: 'events' })
  showEvents(events, report.events, 'Nothing was seen while this page is open.')
  const facts = [
    `${storeKey} in L2`,
    ...(reads === undefined ? [] : [`${count(reads)} reads seen`]),
    ...(isQueued ? ['a change of it waits for L2'] : []),
  ]
  byId('report').replaceChildren(
    make('p', { class: 'why' }, why),
    make('p', { class: 'quiet' }, facts.join(' · ')),
    ...(l1 === undefined ? [] : [lifeOf('L1', l1)]),
    ...(l2.state === 'entry' ? [lifeOf('L2', l2.entry)] : []),
    labelsOf(l1 ?? (l2.state === 'entry' ? l2.entry : undefined)),
    ...(value === undefined ? [] : [make('pre', { tabindex: 0, 'aria-label': 'value' }, value)]),
    ...(change === undefined ? [] : [actions(change)]),
    make('h3', {}, 'What happened to it'),
    events,
  )
  show(byId('report'), true)
}

const WINDOWS = /** @type {const} */ ([
  ['fresh', 'fresh', 3],
  ['stale', 'stale while a refresh runs', 2],
  ['staleIfError', 'served only if loading fails', 2],
])

/**
 * The windows of an entry, and where it stands in them. They are not to scale, since one may be a thousand times as long as another. How
 * far it is in a window is known only while it is fresh.
 */
function lifeOf(
  /** @type {string} */ tier,
  /** @type {Entry} */ { state, ageMs, freshForMs, staleForMs, usableForMs },
) {
  const left = { fresh: freshForMs, stale: staleForMs, staleIfError: usableForMs }
  const isOver = usableForMs === 0 || state === 'expired' || state === 'invalidated'
  const track = make('div', { class: isOver ? 'track over' : 'track', 'aria-hidden': 'true' })
  let endedMs = /** @type {number | null} */ (0)
  const lines = []
  for (const [name, meaning, share] of WINDOWS) {
    const leftMs = left[name]
    const isThere = name === 'fresh' || leftMs === null || (endedMs !== null && leftMs > endedMs)
    endedMs = leftMs
    if (!isThere) continue
    const part = make('span', { class: `is-${name}` })
    part.style.flexGrow = String(share)
    if (name === state) part.append(nowAt(name === 'fresh' && leftMs !== null ? ageMs / (ageMs + leftMs) : 0.5))
    track.append(part)
    const text = leftMs === 0 ? `${meaning}: over` : `${meaning}: ${span(leftMs)} more`
    lines.push(make('li', {}, make('span', { class: `swatch is-${name}` }), text))
  }
  return make(
    'div',
    { class: 'life' },
    make('p', {}, `${tier}: ${state}, ${span(ageMs)} old`),
    track,
    make('ul', { class: 'legend' }, ...lines),
  )
}

function nowAt(/** @type {number} */ part) {
  const now = make('i')
  now.style.left = `${Math.round(part * 100)}%`
  return now
}

function labelsOf(/** @type {Entry | undefined} */ entry) {
  const chips = make('ul', { class: 'chips' })
  for (const { tag, currency } of entry?.tags ?? []) chips.append(make('li', {}, `tag ${tag}: ${currency}`))
  for (const { scope, currency } of entry?.scopes ?? []) chips.append(make('li', {}, `scope ${scope}: ${currency}`))
  return chips
}

function actions(/** @type {(verb: string) => void} */ change) {
  return make(
    'div',
    { class: 'actions' },
    make('button', { type: 'button', class: 'danger', onclick: () => change('delete') }, 'Delete'),
    make('button', { type: 'button', onclick: () => change('expire') }, 'Expire'),
  )
}
