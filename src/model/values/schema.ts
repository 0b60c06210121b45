// The part of Standard Schema v1 (https://standardschema.dev) that the cache uses, so that any validator fits and none is installed.

/** A validator such as a zod, valibot or arktype schema. Every value passes it once: from a loader, from `set`, from L2. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** The value as the schema sees it, or why it refuses it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
}

/** Whether `value` can be used as a schema. Some libraries' schemas are functions. */
export function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false
  const standard: unknown = (value as { '~standard'?: unknown })['~standard']
  if (typeof standard !== 'object' || standard === null) return false
  return (
    (standard as { version?: unknown }).version === 1 &&
    typeof (standard as { validate?: unknown }).validate === 'function'
  )
}
