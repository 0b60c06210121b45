// PgBouncer in transaction mode before a PostgreSQL server of the tests.
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findOrInstall, findProgram } from './install.js'
import { freePort } from './ports.js'
import { endProcess, hasEnded, makeFolder, removeFolder, startProcess, unprivilegedAccount } from './processes.js'
import { waitFor } from './wait.js'

export interface PgBouncer {
  readonly url: string
  stop(): Promise<void>
}

/** Starts PgBouncer for the server at `port` of the loopback, and waits until it accepts connections. */
export async function startPgBouncer(port: number): Promise<PgBouncer> {
  const program = findOrInstall('pgbouncer', 'pgbouncer', () => findProgram(['pgbouncer'], ['/usr/sbin']))
  const dir = makeFolder('pgbouncer')
  const own = await freePort()
  const file = join(dir, 'pgbouncer.ini')
  writeFileSync(join(dir, 'users.txt'), '"postgres" ""\n')
  writeFileSync(
    file,
    `[databases]\n* = host=127.0.0.1 port=${port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${own}\nunix_socket_dir =\n` +
      `auth_type = trust\nauth_file = ${join(dir, 'users.txt')}\npool_mode = transaction\n`,
  )
  chmodSync(dir, 0o755)
  const child = startProcess(program, [file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: dir,
    ...unprivilegedAccount(),
  })
  let log = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  await waitFor('pgbouncer', () => hasEnded(child) || /process up/.test(log))
  if (hasEnded(child)) throw new Error(`pgbouncer ended at once: ${log.slice(-500)}`)
  return {
    url: `postgres://postgres@127.0.0.1:${own}/postgres`,
    async stop() {
      await endProcess(child)
      removeFolder(dir)
    },
  }
}
