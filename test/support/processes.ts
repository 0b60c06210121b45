// Every process of a test is started here, so that exactly these processes end with the test.
// A small reaper process ends them if this process is killed and runs no exit hook.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const running = new Map<ChildProcess, NodeJS.Signals>()
const folders = new Set<string>()
let reaper: ChildProcess | undefined

/** Starts a process that ends with this one at the latest. `endWith` is the signal that ends it for good. */
export function startProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
  endWith: NodeJS.Signals = 'SIGKILL',
): ChildProcess {
  const child = spawn(command, args, options)
  running.set(child, endWith)
  tellReaper(`+ ${child.pid} ${endWith}`)
  child.once('exit', () => {
    running.delete(child)
    tellReaper(`- ${child.pid}`)
  })
  child.once('error', () => running.delete(child))
  return child
}

/** Ends a process started by `startProcess` and waits until it is gone. This also works for a stopped one (SIGSTOP). */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const signal = running.get(child) ?? 'SIGKILL'
  child.kill(signal)
  if (signal !== 'SIGKILL') child.kill('SIGCONT')
  await ended
}

export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

/** A new temporary folder, removed with this process at the latest. */
export function makeFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `tiercache-${name}-`))
  folders.add(folder)
  tellReaper(`d ${folder}`)
  return folder
}

export function removeFolder(folder: string): void {
  folders.delete(folder)
  rmSync(folder, { recursive: true, force: true })
}

process.once('exit', () => {
  for (const [child, signal] of running) child.kill(signal)
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

const REAPER = `
const pids = new Map(), folders = new Set()
process.on('SIGINT', () => {}).on('SIGTERM', () => {}).on('SIGHUP', () => {})
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, what, signal] = line.split(' ')
  if (verb === '+') pids.set(Number(what), signal)
  if (verb === '-') pids.delete(Number(what))
  if (verb === 'd') folders.add(line.slice(2))
}).on('close', () => {
  for (const [pid, signal] of pids) try { process.kill(pid, signal) } catch {}
  for (const folder of folders) try { require('node:fs').rmSync(folder, { recursive: true, force: true }) } catch {}
  process.exit()
})`

/** The reaper reads a pipe that the kernel closes when this process is gone, for whatever reason. */
function tellReaper(line: string): void {
  if (reaper === undefined) {
    reaper = spawn(process.execPath, ['-e', REAPER], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    reaper.unref()
    const input = reaper.stdin as NodeJS.WritableStream & { unref?: () => void }
    input.on('error', () => undefined) // If this fails, the exit hook still does the same.
    input.unref?.()
  }
  reaper.stdin?.write(`${line}\n`)
}

/** A user of the machine. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** Some servers refuse to run as root, so they run as the user of PostgreSQL's package, or as nobody. `undefined` if this is not root. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      // No such user: try the next one.
    }
  }
  throw new Error('the server does not run as root, and there is neither a user postgres nor nobody')
}
