// Recognizes by its shape what was passed instead of a client that can be used: the error names it and what to pass. No value is ever shown.

interface Kind {
  readonly name: string
  readonly is: (value: Readonly<Record<string, unknown>>) => boolean
}

const has = (value: Readonly<Record<string, unknown>>, ...methods: string[]): boolean =>
  methods.every((method) => typeof value[method] === 'function')

/** The first that fits counts. */
const KINDS: readonly Kind[] = [
  { name: 'a promise: await it first', is: (value) => has(value, 'then') },
  {
    name: 'something like a client of GLIDE (@valkey/valkey-glide), but not of version 2',
    is: (value) => has(value, 'customCommand'),
  },
  {
    name: 'a pool, a sentinel or an unknown client of node-redis (the package redis): pass what createClient() or createCluster() returns',
    is: (value) => has(value, 'sendCommand') && 'isOpen' in value,
  },
  {
    name: 'an old client of node-redis (the package redis)',
    is: (value) => has(value, 'send_command') || has(value, 'internal_send_command'),
  },
  {
    name: 'a client of @upstash/redis, which speaks HTTP',
    is: (value) => has(value, 'createScript') || (has(value, 'hset', 'pipeline') && !has(value, 'on')),
  },
  { name: 'a pipeline or transaction', is: (value) => has(value, 'exec', 'hset') && !has(value, 'duplicate') },
]

/** Names what was passed. A string or options may hold a password, so only their kind is named. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'a string that begins with neither redis:// nor rediss:// nor /'
  if (typeof value === 'function')
    return `the class or function ${value.name || 'without a name'}: pass what new Redis() returns`
  if (Array.isArray(value)) return 'an array: for a cluster pass { cluster: [{ host, port }] }'
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  const known = KINDS.find(({ is }) => is(value as Readonly<Record<string, unknown>>))
  if (known !== undefined) return known.name
  const { constructor: made } = value as { readonly constructor?: unknown }
  return `an instance of ${typeof made === 'function' && made.name !== '' ? made.name : 'some class'}`
}
