// `cache.warm(entries)`: fills the tiers before the first reads.

import type { CallScope } from '../../flow/flights/call-scope.js'
import type { Reader } from '../../flow/read/read.js'
import { CacheError, show } from '../../model/errors.js'
import { checkOptions } from '../../model/option-rules.js'
import type { CallOptions, LoadContext, Loader } from '../../model/options/options.js'
import { ownOptions } from '../../model/own-options.js'
import { WARM_OPTIONS, type WarmOptions, type WarmReport, warmAll } from './warm-run.js'

/** One entry to warm: the arguments of a `getOrSet`, as an array or as an object. */
export type WarmEntry<V = unknown> =
  | readonly [key: string, load: Loader<V>, options?: CallOptions<V>]
  | { readonly key: string; readonly load: Loader<V>; readonly options?: CallOptions<V> | undefined }

/** One key to warm, with its loader. */
export interface Warming {
  readonly key: string
  readonly load: Loader<unknown>
  readonly options: CallOptions | undefined
}

/** Warms a list of entries; see `Cache.warm`. */
export async function warmEntries(
  reader: Reader,
  scope: CallScope,
  entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>,
  options: WarmOptions<string> = {},
): Promise<WarmReport<string>> {
  // Checked before the copy below: copying something that is not an object would pass as no options.
  const { onProgress, ...others } = checkOptions(options, WARM_OPTIONS, 'warm')
  const warmOne = (warming: Warming) => warmEntry(reader, scope, warming)
  const forKeys = onProgress && { onProgress: (report: WarmReport<Warming>) => onProgress(byKey(report)) }
  return byKey(await warmAll(readEntries(entries), warmOne, { ...others, ...forKeys }))
}

/** Reads one entry as any caller would, and returns whether this read loaded it. */
export async function warmEntry(
  reader: Reader,
  scope: CallScope,
  { key, load, options }: Warming,
): Promise<'hit' | 'load'> {
  let outcome: 'hit' | 'load' = 'hit'
  let failure: { readonly error: unknown } | undefined
  const watched = async (context: LoadContext) => {
    try {
      const value = await load(context)
      outcome = 'load'
      return value
    } catch (error) {
      failure = { error }
      throw error
    }
  }
  await reader.getOrSet(scope, key, watched, options)
  // A stale value may have been returned because the load failed. That is good enough for a reader, but this entry was not warmed.
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error
  return outcome
}

function byKey(report: WarmReport<Warming>): WarmReport<string> {
  return { ...report, failures: report.failures.map(({ item, error }) => ({ item: item.key, error })) }
}

async function* readEntries(entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>): AsyncGenerator<Warming> {
  const isList =
    typeof entries === 'object' && entries !== null && (Symbol.iterator in entries || Symbol.asyncIterator in entries)
  if (!isList) throw refusal(entries)
  for await (const entry of entries) {
    if (typeof entry !== 'object' || entry === null) throw refusal(entry)
    const [key, load, options] = (Array.isArray(entry) ? entry : partsOf(entry)) as Parts
    if (typeof key !== 'string' || typeof load !== 'function') throw refusal(entry)
    yield { key, load, options }
  }
}

type Parts = readonly [Warming['key'], Warming['load'], Warming['options']]

function partsOf(entry: object): Parts {
  const { key, load, options } = ownOptions(entry) as Warming
  return [key, load, options]
}

function refusal(got: unknown): CacheError {
  return new CacheError(
    'INVALID_OPTION',
    `warm expects a list of [key, load] or { key, load, options }; got ${show(got)}`,
  )
}
