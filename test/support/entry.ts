// An entry for tests that need only a few of its fields.
import { type AtMs, Entry, type EntryFields } from '../../src/model/entry.js'
import { NO_LABELS } from '../../src/model/labels.js'

/** Fresh until `untilMs`, and expired afterwards. */
export function entryUntil(value: unknown, untilMs: AtMs, fields: Partial<EntryFields> = {}): Entry {
  return new Entry({
    value,
    createdAtMs: 0,
    freshUntilMs: untilMs,
    staleUntilMs: untilMs,
    usableUntilMs: untilMs,
    verifiedAtMs: 0,
    labels: NO_LABELS,
    loadMs: 0,
    etag: undefined,
    epoch: 0,
    staleIfErrorMs: 0,
    ...fields,
  })
}
