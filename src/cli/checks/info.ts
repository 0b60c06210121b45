// The fields of INFO as the checks read them. Pure but for `readInfo`.
import type { Redis } from 'ioredis'

export type Info = Readonly<Record<string, string>>

/** The fields of an INFO reply. */
export function parseInfo(text: string): Info {
  const pairs = text.split(/\r?\n/).flatMap((line) => {
    const colon = line.indexOf(':')
    return colon < 1 || line.startsWith('#') ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
  })
  return Object.fromEntries(pairs)
}

/** All fields of one server; `undefined` if this user may not ask. */
export async function readInfo(server: Redis): Promise<Info | undefined> {
  try {
    return parseInfo(await server.info())
  } catch (error) {
    if (isRefused(error)) return undefined
    throw error
  }
}

/** Whether the server refused a command because this user has no right to it. */
export function isRefused(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOPERM')
}

export interface ServerKind {
  readonly product: 'Redis' | 'Valkey'
  readonly version: string
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string
}

/** Valkey also says which version of Redis it is compatible with. */
export function kindOf(info: Info): ServerKind {
  const mode = info.redis_mode ?? info.server_mode ?? 'standalone'
  if (info.valkey_version !== undefined) return { product: 'Valkey', version: info.valkey_version, mode }
  return { product: 'Redis', version: info.redis_version ?? 'of an unknown version', mode }
}
