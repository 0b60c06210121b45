// A Redis 8 server, which has vector sets. If the machine has an older one, that of Debian 13 is unpacked into a folder, with the libraries
// that it needs, and nothing is installed.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './ports.js'
import { endProcess, hasEnded, makeFolder, removeFolder, startProcess } from './processes.js'
import { ensureRedisServer } from './redis-server.js'
import { waitFor } from './wait.js'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const PACKAGES = [
  ...['redis-server', 'redis-tools', 'libc6', 'libatomic1', 'libjemalloc2', 'liblzf1', 'libssl3t64', 'libstdc++6'],
  ...['libsystemd0', 'libgcc-s1', 'libzstd1', 'zlib1g', 'libcap2'],
]

/** How a program is started: the program, and arguments that come before its own. */
export interface Program {
  readonly program: string
  readonly args: readonly string[]
}

/** Finds Redis 8, or unpacks it. Throws what to install if it can do neither. */
export function ensureRedis8(): Program {
  const program = ensureRedisServer()
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' })
  if (/Redis/.test(version) && Number(/v=(\d+)\./.exec(version)?.[1]) >= 8) return { program, args: [] }
  return unpacked()
}

function unpacked(): Program {
  const folder = join(tmpdir(), `tiercache-redis-8-${process.getuid?.() ?? 0}`)
  try {
    if (!existsSync(folder)) unpackInto(folder)
  } catch (cause) {
    throw new Error('these tests need Redis 8: install redis-server 8 or later, or apt-get with access to Debian 13', {
      cause,
    })
  }
  const libraries = join(folder, 'usr/lib/x86_64-linux-gnu')
  const server = join(folder, 'redis-server')
  const args = ['--library-path', libraries, '--argv0', 'redis-server', server]
  return { program: join(libraries, 'ld-linux-x86-64.so.2'), args }
}

/** Another process may do the same: the folder appears complete, by one rename. */
function unpackInto(folder: string): void {
  const work = `${folder}-${process.pid}`
  const lists = join(work, 'lists')
  const archives = join(work, 'archives')
  for (const name of [lists, archives]) mkdirSync(join(name, 'partial'), { recursive: true })
  const sources = join(work, 'sources.list')
  writeFileSync(sources, `deb [signed-by=${KEYRING}] http://deb.debian.org/debian trixie main\n`)
  const settings = [
    ...[`Dir::Etc::sourcelist=${sources}`, 'Dir::Etc::sourceparts=/dev/null', `Dir::State::lists=${lists}`],
    ...[`Dir::Cache=${archives}`, 'APT::Sandbox::User=root'],
  ].flatMap((setting) => ['-o', setting])
  const options = { cwd: work, stdio: 'ignore', timeout: 120_000 } as const
  execFileSync('apt-get', [...settings, 'update'], options)
  execFileSync('apt-get', [...settings, 'download', ...PACKAGES], options)
  const root = join(work, 'root')
  for (const file of readdirSync(work)) if (file.endsWith('.deb')) execFileSync('dpkg-deb', ['-x', file, root], options)
  // redis-server is a link to this program there, which tells by its name what it is.
  cpSync(join(root, 'usr/bin/redis-check-rdb'), join(root, 'redis-server'))
  try {
    renameSync(root, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** A running Redis 8. */
export interface Redis8 {
  readonly port: number
  stop(): Promise<void>
}

/** Starts a server that writes nothing to disk, and waits until it replies. */
export async function startRedis8(): Promise<Redis8> {
  const { program, args } = ensureRedis8()
  const dir = makeFolder('redis-8')
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort()
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir]
    const child = startProcess(program, [...args, ...own], { stdio: ['ignore', 'pipe', 'ignore'], cwd: dir })
    let log = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
    await waitFor(`redis 8 on port ${port}`, () => hasEnded(child) || /Ready to accept/.test(log))
    const stop = async () => {
      await endProcess(child)
      removeFolder(dir)
    }
    if (!hasEnded(child)) return { port, stop } // Otherwise another program has most likely taken the port in between.
  }
  throw new Error('redis 8 did not start')
}
