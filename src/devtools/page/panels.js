// Everything but the charts and the key: one function for each part of a snapshot.
import { byId, make, rows, say, show } from './dom.js'
import { count, percent, rate, size, span, time } from './text.js'

/** @typedef {import('../view/view.js').DevtoolsSnapshot} Snapshot */
/** @typedef {{ path: string, note?: string, allowChanges: boolean, showValues: boolean }} About */
/** @typedef {(scope: string, key: string) => void} Choose */

/** Shows the parts of a snapshot, and hides those that it does not have. */
export function showPanels(
  /** @type {Snapshot} */ snapshot,
  /** @type {import('./rates.js').Rates} */ rates,
  /** @type {Choose} */ choose,
) {
  const { stats, inspection, hottest, stored, findings, events } = snapshot
  showStatus(snapshot)
  for (const [id, part] of /** @type {const} */ ([
    ['tiles', stats],
    ['charts', stats],
    ['paths', stats],
    ['hottest', hottest],
    ['memory', inspection],
    ['flights', inspection],
    ['waiting', inspection],
    ['tags', inspection ?? stored],
    ['stored', stored],
    ['stored-keys', stored],
    ['findings', findings],
  ]))
    show(byId(id), part !== undefined)
  if (stats !== undefined) showTiles(snapshot, rates)
  if (stats !== undefined) showPaths(stats)
  if (hottest !== undefined) showHottest(hottest, choose)
  if (inspection !== undefined) showInspection(inspection, choose)
  if (stored !== undefined) showStored(stored, choose)
  if (findings !== undefined) showFindings(findings)
  showScopes(snapshot)
  showEvents(byId('news-rows'), events, 'Nothing yet.')
}

function showStatus(/** @type {Snapshot} */ { health }) {
  const status = health?.status ?? 'ok'
  const pill = byId('status')
  pill.className = `pill ${status}`
  say(pill, health === undefined ? 'connected' : status)
  const outage = health?.detail.outage
  say(byId('detail'), outage === undefined ? '' : `L2 is not used: ${outage}`)
}

/** @param {string} name @param {string} figure @param {string} more @param {boolean} [isWarning] */
function tile(name, figure, more, isWarning = false) {
  return { name, figure, more, isWarning }
}

function showTiles(
  /** @type {Snapshot} */ { stats, health, inspection },
  /** @type {import('./rates.js').Rates} */ rates,
) {
  if (stats === undefined || health === undefined || inspection === undefined) return
  const { reads, atOnce, perSecond } = rates.lastMinute()
  const { l1, loading } = stats
  const { l2, bus, waiting } = health.detail
  const total = stats.reads.total - stats.reads.aborted
  const tiles = [
    tile('Hit ratio', percent(atOnce, reads), `${percent(Math.round(stats.hitRatio * total), total)} since the start`),
    tile('Reads', `${rate(perSecond)}/s`, `${count(stats.reads.total)} since the start`),
    tile('Load p50 · p95', quantiles(loading.latency), `${count(loading.latency.count)} loads`),
    tile('L2 p50 · p95', l2 === 'none' ? '–' : quantiles(stats.l2.latency), L2[l2], l2 === 'notUsed'),
    tile(
      'Memory',
      count(l1.entries),
      `entries${l1.bytes > 0 ? `, ${size(l1.bytes)}` : ''}, ${count(l1.evictions)} evicted`,
    ),
    tile('Waiting', count(waiting), 'changes for L2', waiting > 0),
    tile('Bus', BUS[bus], trustOf(bus, inspection.trustedForMs), bus === 'notHeard'),
  ]
  rows(byId('tiles'), tiles, {
    keyOf: ({ name }) => name,
    row: ({ name }) => make('div', {}, make('dt', {}, name), make('dd'), make('dd', { class: 'more' })),
    update: (box, { figure, more, isWarning }) => {
      box.classList.toggle('warning', isWarning)
      say(/** @type {Element} */ (box.children[1]), figure)
      say(/** @type {Element} */ (box.children[2]), more)
    },
  })
}

const L2 = { none: 'there is no L2', connecting: 'connecting', inUse: 'in use', notUsed: 'not used' }
const BUS = { none: 'none', heard: 'heard', notHeard: 'not heard' }

function trustOf(/** @type {keyof typeof BUS} */ bus, /** @type {number | null} */ trustedForMs) {
  if (bus === 'none') return 'there are no others to hear'
  return bus === 'heard' ? `L1 trusted for ${span(trustedForMs)} more` : 'L1 is checked against L2'
}

/** @param {{ count: number, p50Ms: number, p95Ms: number }} latency */
function quantiles({ count: all, p50Ms, p95Ms }) {
  const figure = (/** @type {number} */ ms) => span(ms).replace(' ms', '')
  return all === 0 ? '–' : `${figure(p50Ms)} · ${span(p95Ms)}`
}

const SCOPE_CELLS = /** @type {const} */ (['reads', 'ratio', 'l1', 'l2', 'stale', 'joined', 'loads', 'failed', 'mean'])

/** @param {{ reads: import('../../model/events/read-counts.js').ReadCounts & { total: number }, hitRatio: number, loads: number, loadFailures: number, loadMs: number }} counts */
function cellsOf({ reads, hitRatio, loads, loadFailures, loadMs }) {
  const { stale, staleIfError, staleIfSlow } = reads
  const allStale = [stale, staleIfError, staleIfSlow].reduce((sum, { l1, l2 }) => sum + l1 + l2, 0)
  const all = loads + loadFailures
  return {
    reads: count(reads.total),
    ratio: percent(hitRatio, reads.total - reads.aborted === 0 ? 0 : 1),
    l1: count(reads.hit.l1),
    l2: count(reads.hit.l2),
    stale: count(allStale),
    joined: count(reads.joined),
    loads: count(loads),
    failed: count(loadFailures),
    mean: all === 0 ? '–' : span(loadMs / all),
  }
}

function showPaths(/** @type {NonNullable<Snapshot['stats']>} */ stats) {
  const paths = Object.entries(stats.byPath)
  const row = (/** @type {string} */ name) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row', class: 'name' }, name),
      ...SCOPE_CELLS.map((cell) => make('td', { 'data-cell': cell })),
    )
  const fill = (/** @type {HTMLElement} */ line, /** @type {ReturnType<typeof cellsOf>} */ cells) =>
    SCOPE_CELLS.forEach((cell, i) => {
      say(/** @type {Element} */ (line.children[i + 1]), cells[cell])
    })
  rows(byId('paths-rows'), paths, {
    keyOf: ([path]) => path,
    row: ([path]) => row(path),
    update: (line, [, counts]) => fill(line, cellsOf(counts)),
  })
  rows(byId('paths-total'), paths.length > 1 ? [stats] : [], {
    keyOf: () => 'total',
    row: () => row('together'),
    update: (line, all) => fill(line, cellsOf(all)),
  })
}

/** A key with its namespace. It can be chosen, unless the option `eventKeys` hides it. */
function keyName(/** @type {string} */ scope, /** @type {string} */ key, /** @type {Choose} */ choose) {
  const parts = [make('span', { class: 'scope' }, `${scope} `), key === '' ? '""' : key]
  if (/^sha256:|^\(omitted\)$/.test(key)) return make('span', { class: 'name' }, ...parts)
  return make('button', { type: 'button', class: 'name', title: key, onclick: () => choose(scope, key) }, ...parts)
}

function showHottest(/** @type {NonNullable<Snapshot['hottest']>} */ hottest, /** @type {Choose} */ choose) {
  const most = hottest[0]?.reads ?? 1
  rows(byId('hottest-rows'), hottest, {
    keyOf: ({ scope, key }) => `${scope}\0${key}`,
    row: ({ scope, key }) =>
      make(
        'li',
        {},
        keyName(scope, key, choose),
        make('span', { class: 'figure' }),
        make('meter', { min: 0, 'aria-hidden': 'true' }),
      ),
    update: (row, { reads }) => {
      say(/** @type {Element} */ (row.children[1]), count(reads))
      const meter = /** @type {HTMLMeterElement} */ (row.children[2])
      meter.max = most
      meter.value = reads
    },
    empty: 'No read yet.',
  })
}

const STATES = /** @type {const} */ (['fresh', 'stale', 'staleIfError', 'expired', 'invalidated', 'unverified'])
const STATE_NAMES = {
  fresh: 'fresh',
  stale: 'stale',
  staleIfError: 'only if loading fails',
  expired: 'expired',
  invalidated: 'invalidated',
  unverified: 'to be verified',
}

function showInspection(
  /** @type {NonNullable<Snapshot['inspection']>} */ { l1, flights, waiting },
  /** @type {Choose} */ choose,
) {
  say(byId('memory-size'), `${count(l1.looked)} ${l1.complete ? 'entries' : 'most recently used entries'} by age`)
  showAges(l1.states, l1.looked)
  rows(byId('recent-rows'), l1.entries, {
    keyOf: ({ scope, key }) => `${scope}\0${key}`,
    row: ({ scope, key }) => make('li', {}, keyName(scope, key, choose), make('span', { class: 'figure' })),
    update: (row, { state, ageMs }) =>
      say(/** @type {Element} */ (row.children[1]), `${STATE_NAMES[state]}, ${span(ageMs)} old`),
    empty: 'Memory is empty.',
  })
  say(byId('tags-about'), 'and how many of these entries carry them')
  showTags(l1.tags.map(({ tag, entries }) => ({ tag, figure: count(entries) })))
  rows(byId('flights-rows'), flights, {
    keyOf: ({ scope, key, forMs }) => `${scope}\0${key}\0${forMs}`,
    row: ({ scope, key, phase, reason, forMs, detached }) => {
      const text = `${phase} (${reason}), ${span(forMs)}${detached ? ', detached' : ''}`
      return make('li', {}, keyName(scope, key, choose), make('span', { class: 'figure' }, text))
    },
    empty: 'No load is running.',
  })
  rows(byId('waiting-rows'), waiting, {
    keyOf: ({ verb, scope, key, tag }) => `${verb}\0${scope}\0${key}\0${tag}`,
    row: ({ verb, scope, key, tag }) => {
      const name = key === undefined ? make('span', { class: 'name' }, tag ?? scope) : keyName(scope, key, choose)
      return make('li', {}, name, make('span', { class: 'figure' }, verb))
    },
    empty: 'Every change has reached L2.',
  })
}

function showAges(/** @type {Readonly<Record<typeof STATES[number], number>>} */ states, /** @type {number} */ all) {
  const there = STATES.filter((state) => states[state] > 0)
  rows(byId('ages-bar'), there, {
    keyOf: (state) => state,
    row: (state) => make('span', { class: `is-${state}` }),
    update: (part, state) => {
      part.style.flexGrow = String(states[state])
    },
  })
  byId('ages-bar').setAttribute(
    'aria-label',
    there.map((state) => `${STATE_NAMES[state]}: ${percent(states[state], all)}`).join(', '),
  )
  rows(byId('ages-legend'), there, {
    keyOf: (state) => state,
    row: (state) => make('li', {}, make('span', { class: `swatch is-${state}` }), `${STATE_NAMES[state]} `, make('b')),
    update: (item, state) => say(/** @type {Element} */ (item.lastElementChild), count(states[state])),
  })
}

function showTags(/** @type {readonly { tag: string, figure: string }[]} */ tags) {
  rows(byId('tags-rows'), tags, {
    keyOf: ({ tag }) => tag,
    row: ({ tag }) =>
      make('li', {}, make('span', { class: 'name', title: tag }, tag), make('span', { class: 'figure' })),
    update: (row, { figure }) => say(/** @type {Element} */ (row.children[1]), figure),
    empty: 'No tags.',
  })
}

function showStored(
  /** @type {NonNullable<Snapshot['stored']>} */ { scopes, tags, keys, complete },
  /** @type {Choose} */ choose,
) {
  say(byId('stored-size'), complete ? 'entries by namespace' : 'not all keys were looked at: the counts are too low')
  rows(byId('stored-scopes'), scopes, {
    keyOf: ({ scope }) => scope,
    row: ({ scope }) => make('li', {}, make('span', { class: 'name' }, scope), make('span', { class: 'figure' })),
    update: (row, { entries, bytes }) =>
      say(
        /** @type {Element} */ (row.children[1]),
        `${count(entries)}${bytes == null ? '' : `, about ${size(bytes)}`}`,
      ),
    empty: 'There are no entries.',
  })
  rows(byId('stored-keys-rows'), keys, {
    keyOf: ({ scope, key }) => `${scope}\0${key}`,
    row: ({ scope, key }) => make('li', {}, keyName(scope, key, choose)),
    empty: 'There are no entries.',
  })
  say(byId('tags-about'), 'that have a token')
  showTags(tags.map((tag) => ({ tag, figure: '' })))
}

function showFindings(/** @type {NonNullable<Snapshot['findings']>} */ findings) {
  rows(byId('findings-rows'), findings, {
    keyOf: ({ level, about, text }) => `${level}\0${about}\0${text}`,
    row: ({ level, about, text, fix }) =>
      make(
        'li',
        { class: level },
        make('span', { class: 'level' }, level),
        make('span', {}, `${about}: ${text}`),
        fix === undefined ? undefined : make('span', { class: 'fix' }, `→ ${fix}`),
      ),
  })
}

function showScopes(/** @type {Snapshot} */ { stats, stored }) {
  const scopes = stats === undefined ? (stored?.scopes ?? []).map(({ scope }) => scope) : Object.keys(stats.byPath)
  rows(byId('scopes'), scopes, { keyOf: (scope) => scope, row: (scope) => make('option', { value: scope }) })
}

/** @param {HTMLElement} list @param {Snapshot['events']} events @param {string} empty */
export function showEvents(list, events, empty) {
  rows(list, events, {
    keyOf: ({ id, times }) => `${id} ${times}`,
    row: ({ atMs, name, key, text, level, times }) =>
      make(
        'li',
        {},
        make('time', { datetime: new Date(atMs).toISOString() }, time(atMs)),
        make(
          'span',
          { class: level, title: name },
          key === undefined ? '' : make('span', { class: 'name' }, `${key} `),
          times === 1 ? text : `${text}, and ${count(times - 1)} more like it before`,
        ),
      ),
    empty,
  })
}
