// Triggers that tell of every change: one per table and kind of statement, so a statement is told of once, whatever its rows. NOTIFY is sent at
// the commit, and equal messages of a transaction are one.
import type { PgResult } from './types.js'

/** The channel of the messages, and the name of the function and the triggers. */
export const CHANNEL = 'tiercache_changes'

/** What runs the statements of triggers: a client or pool of pg. */
export interface TriggerTarget {
  // biome-ignore lint/suspicious/noExplicitAny: pg has a dozen overloads.
  query(...args: any[]): any
}

const FUNCTION = `
create or replace function tiercache_changed() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
  perform pg_notify('${CHANNEL}', json_build_array(tg_table_schema, tg_table_name)::text);
  return null;
end $$`

/** The tables of the application that can have triggers. Children of partitioned tables, too: a write may name either. */
const TABLES = `
select quote_ident(s.nspname) || '.' || quote_ident(c.relname) as name
from pg_class c join pg_namespace s on s.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence <> 't' and s.nspname not in ('pg_catalog', 'information_schema') and s.nspname not like 'pg\\_toast%'
  and ($1::text[] is null or c.oid in (select to_regclass(t) from unnest($1::text[]) t))
order by 1`

/** Creates the triggers on these tables, or on all. It may be repeated. Returns the names of the tables. Rejects as the database does. */
export async function installTriggers(target: TriggerTarget, tables?: readonly string[]): Promise<string[]> {
  await target.query(FUNCTION)
  const names = await tablesOf(target, tables)
  for (const name of names) {
    // TRUNCATE has triggers of statements only, and cannot share one with the others on a partitioned table.
    await target.query(`create or replace trigger tiercache_changed after insert or update or delete or truncate on ${name}
      for each statement execute function tiercache_changed()`)
  }
  return names
}

/** Removes what `installTriggers` created, from these tables or from all; from all, the function too. Returns the names of the tables. */
export async function removeTriggers(target: TriggerTarget, tables?: readonly string[]): Promise<string[]> {
  const names = await tablesOf(target, tables)
  for (const name of names) await target.query(`drop trigger if exists tiercache_changed on ${name}`)
  if (tables === undefined) await target.query('drop function if exists tiercache_changed()')
  return names
}

async function tablesOf(target: TriggerTarget, tables: readonly string[] | undefined): Promise<string[]> {
  const { rows } = (await target.query(TABLES, [tables ?? null])) as PgResult
  return (rows as { readonly name: string }[]).map(({ name }) => name)
}
