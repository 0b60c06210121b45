// The page: follows the live snapshots while it is visible, and asks for reports and changes.
import { charts } from './charts.js'
import { byId, say, show } from './dom.js'
import { showReport } from './key-panel.js'
import { showPanels } from './panels.js'
import { Rates } from './rates.js'

/** @typedef {import('../view/view.js').DevtoolsSnapshot} Snapshot */

const about = /** @type {import('./panels.js').About} */ (await (await fetch('about')).json())
const rates = new Rates()
const updateCharts = charts()
const pause = byId('pause')
const keyForm = /** @type {HTMLFormElement} */ (byId('key-form'))

// ── Live ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @type {EventSource | undefined} */
let live

function follow() {
  const isWanted = pause.getAttribute('aria-pressed') === 'false' && document.visibilityState === 'visible'
  if (isWanted === (live !== undefined)) return
  live?.close()
  live = isWanted ? new EventSource('live') : undefined
  live?.addEventListener('snapshot', ({ data }) => update(JSON.parse(data)))
  live?.addEventListener('trouble', ({ data }) => trouble(JSON.parse(data)))
  live?.addEventListener('error', () => trouble('The page has lost its server, and tries again.'))
}

function update(/** @type {Snapshot} */ snapshot) {
  rates.add(snapshot)
  showPanels(snapshot, rates, choose)
  if (snapshot.stats !== undefined) updateCharts(rates.series())
}

function trouble(/** @type {string} */ sentence) {
  byId('status').className = 'pill trouble'
  say(byId('status'), 'not connected')
  say(byId('detail'), sentence)
}

pause.addEventListener('click', () => {
  const isPaused = pause.getAttribute('aria-pressed') === 'false'
  pause.setAttribute('aria-pressed', String(isPaused))
  say(pause, isPaused ? 'Continue' : 'Pause')
  follow()
})
document.addEventListener('visibilitychange', follow)

// ── One key ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function choose(/** @type {string} */ scope, /** @type {string} */ key) {
  field(keyForm, 'scope').value = scope
  field(keyForm, 'key').value = key
  void report()
  byId('key').scrollIntoView({ block: 'nearest' })
  field(keyForm, 'key').focus({ preventScroll: true })
}

async function report() {
  const [scope, key] = [field(keyForm, 'scope').value, field(keyForm, 'key').value]
  const response = await post('report', { scope, key })
  if (response.ok) showReport(await response.json(), about.allowChanges ? changeKey : undefined)
  else tell(await response.text())
}

async function changeKey(/** @type {string} */ verb) {
  await change(verb, field(keyForm, 'scope').value, [field(keyForm, 'key').value])
  await report()
}

keyForm.addEventListener('submit', (event) => {
  event.preventDefault()
  void report()
})

// ── Changes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

byId('tags-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const verb = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value ?? 'invalidateTags'
  const form = /** @type {HTMLFormElement} */ (event.target)
  void change(verb, about.path, field(form, 'tags').value.split(/\s+/).filter(Boolean))
})

byId('clear-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const scope = field(/** @type {HTMLFormElement} */ (event.target), 'scope').value
  if (confirm(`Remove every entry of ${scope} and of the namespaces below it, in every process?`))
    void change('clear', scope, [])
})

async function change(/** @type {string} */ verb, /** @type {string} */ scope, /** @type {string[]} */ names) {
  const response = await post('change', { verb, scope, names })
  if (!response.ok) return tell(await response.text())
  const { result } = await response.json()
  const what = names.length === 0 ? scope : names.join(', ')
  tell(
    result === 'applied'
      ? `${verb} ${what}: applied`
      : `${verb} ${what}: done here; it waits until Redis can be reached`,
  )
}

// ── What they share ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The header says that the page itself asks. */
function post(/** @type {string} */ path, /** @type {object} */ fields) {
  const headers = { 'content-type': 'application/json', 'x-tiercache-devtools': 'page' }
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(fields) })
}

function field(/** @type {HTMLFormElement} */ form, /** @type {string} */ name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name))
}

const SHOWN_MS = 6_000

function tell(/** @type {string} */ sentence) {
  const said = byId('said')
  say(said, sentence)
  setTimeout(() => {
    if (said.textContent === sentence) said.textContent = ''
  }, SHOWN_MS)
}

document.title = `${about.path} · tiercache`
say(byId('path'), about.path)
say(byId('note'), about.note ?? '')
show(byId('note'), about.note !== undefined)
show(byId('changes'), about.allowChanges)
field(keyForm, 'scope').value = about.path
follow()
