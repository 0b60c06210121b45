// What the catalogue of PostgreSQL says: which tables stand behind a name, what a write reaches, and how functions behave.
// Every query returns one text column, so that type parsers of the application do not matter.
import type { Ask, Facts, FunctionFacts, Table } from '../core/database.js'
import type { Relation } from '../statements/statement.js'
import { movingRefusal, timeRefusal } from '../statements/volatile.js'

/** Rules of views, children of partitioned tables, and policies: whatever a read of `reach.oid` depends on. */
const READ_EDGES = `
  select d.refobjid from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
    where w.ev_class = reach.oid and w.ev_type = '1' and d.refclassid = 'pg_class'::regclass and d.refobjid <> reach.oid
      and (select relkind from pg_class where oid = reach.oid) = 'v'
  union select i.inhrelid from pg_inherits i where i.inhparent = reach.oid
  union select d.refobjid from pg_policy p join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
    where p.polrelid = reach.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> reach.oid`

/** Tables behind views and rules, children, and tables whose foreign keys change rows with those of `reach.oid`. */
const WRITE_EDGES = `
  select d.refobjid from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
    where w.ev_class = reach.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> reach.oid
      and (select relkind from pg_class where oid = reach.oid) <> 'm'
  union select i.inhrelid from pg_inherits i where i.inhparent = reach.oid
  union select k.conrelid from pg_constraint k
    where k.contype = 'f' and k.confrelid = reach.oid and (k.confdeltype in ('c', 'n', 'd') or k.confupdtype in ('c', 'n', 'd'))`

/** Statement triggers fire for the table that a statement names, so what reads a child depends on its parents. */
const ANCESTORS = `
above(oid) as (
  select oid from reach
  union
  select i.inhparent from pg_inherits i join above on i.inhrelid = above.oid
)`

const tablesQuery = (edges: string, above = 'above(oid) as (select oid from reach)') => `
with recursive named as (select n, to_regclass(n)::oid as oid from unnest($1::text[]) as n),
reach(oid) as (
  select oid from named where oid is not null
  union
  select edge.oid from reach cross join lateral (${edges}) as edge(oid)
),
${above},
called as (
  select distinct (m.match)[1]::oid as oid
  from reach join pg_rewrite w on w.ev_class = reach.oid and w.ev_type = '1'
  cross join lateral regexp_matches(w.ev_action::text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)', 'g') as m(match)
)
select json_build_object(
  'missing', (select coalesce(json_agg(n), '[]') from named where oid is null),
  'tables', (select coalesce(json_agg(json_build_array(
      c.oid::int8, s.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, s.nspname in ('pg_catalog', 'information_schema'),
      (select coalesce(json_agg(k.attnum), '[]') from pg_index i, unnest(i.indkey) as k(attnum) where i.indrelid = c.oid and i.indisprimary),
      exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgname not like 'tiercache_%')
    ) order by c.oid), '[]')
    from above join pg_class c on c.oid = above.oid join pg_namespace s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')),
  'moving', (select exists (select from reach join pg_rewrite w on w.ev_class = reach.oid and w.ev_type = '1'
    where w.ev_action::text ~ ':op [0-8] .{0,40}SQLVALUEFUNCTION|SQLVALUEFUNCTION :op [0-8] ')),
  'functions', (select coalesce(json_agg(json_build_array(p.proname, p.provolatile, l.lanname, s.nspname)), '[]')
    from called join pg_proc p on p.oid = called.oid join pg_language l on l.oid = p.prolang join pg_namespace s on s.oid = p.pronamespace)
)::text as facts`

const READ_QUERY = tablesQuery(READ_EDGES, ANCESTORS)
const WRITE_QUERY = tablesQuery(WRITE_EDGES)

const FUNCTIONS_QUERY = `
select coalesce(json_agg(json_build_array(p.proname, p.provolatile, l.lanname, s.nspname)), '[]')::text as facts
from json_array_elements($1::json) as f
join pg_proc p on p.proname = f->>1 and (pg_function_is_visible(p.oid) or f->>0 is not null)
join pg_language l on l.oid = p.prolang
join pg_namespace s on s.oid = p.pronamespace and (f->>0 is null or s.nspname = f->>0)`

type TableRow = [number, string, string, string, string, boolean, boolean, number[], boolean]
type FunctionRow = [name: string, volatility: string, language: string, schema: string]

/** What a read of relations that calls functions depends on. */
export async function readFacts(
  ask: Ask,
  relations: readonly Relation[],
  functions: readonly Relation[],
): Promise<Facts> {
  const tables = await tablesOf(ask, READ_QUERY, relations)
  if (functions.length === 0) return tables
  const list = functions.map(({ schema = null, name }) => [schema, name])
  const rows = await factsOf<FunctionRow[]>(ask, FUNCTIONS_QUERY, [JSON.stringify(list)])
  const found = new Set(rows.map(([name]) => name))
  const missing = functions.filter(({ name }) => !found.has(name)).map(({ name }) => `the function ${name}`)
  return {
    tables: tables.tables,
    functions: [...tables.functions, ...rows.map(functionFacts)],
    missing: [...tables.missing, ...missing],
  }
}

/** What a write of relations may change. */
export function writeFacts(ask: Ask, relations: readonly Relation[]): Promise<Facts> {
  return tablesOf(ask, WRITE_QUERY, relations)
}

interface TableFacts {
  readonly missing: readonly string[]
  readonly tables: readonly TableRow[]
  readonly functions: readonly FunctionRow[]
  readonly moving: boolean
}

async function tablesOf(ask: Ask, query: string, relations: readonly Relation[]): Promise<Facts> {
  if (relations.length === 0) return { tables: [], functions: [], missing: [] }
  const names = new Map(relations.map((relation) => [quotedName(relation), relation]))
  const facts = await factsOf<TableFacts>(ask, query, [[...names.keys()]])
  const moving = facts.moving
    ? [{ name: 'current_date', refusal: timeRefusal('a view with the current time'), writes: false }]
    : []
  return {
    tables: facts.tables.map(tableOf),
    functions: [...facts.functions.map(functionFacts), ...moving],
    missing: facts.missing.filter((name) => names.get(name)?.isOptional !== true),
  }
}

async function factsOf<T>(ask: Ask, query: string, parameters: readonly unknown[]): Promise<T> {
  const [row] = await ask(query, parameters)
  return JSON.parse(String(row?.facts)) as T
}

function tableOf([id, schema, name, kind, persistence, rowSecurity, isCatalogue, key, hasTriggers]: TableRow): Table {
  return {
    id,
    schema,
    name,
    isOutside: isCatalogue || kind === 'f',
    isTemporary: persistence === 't',
    hasRowSecurity: rowSecurity,
    hasTriggers,
    key,
  }
}

/** A function that is not PostgreSQL's own may read any table, unless it is compiled and not volatile. */
function functionFacts([name, volatility, language, schema]: FunctionRow): FunctionFacts {
  const isCompiled = language === 'internal' || language === 'c'
  if (volatility === 'v')
    return { name, refusal: timeRefusal(`${name}()`), writes: !isCompiled || schema !== 'pg_catalog' }
  if (isCompiled) return { name, refusal: volatility === 's' ? movingRefusal(name) : undefined, writes: false }
  return {
    name,
    refusal: `calls ${name}(), which may read tables that nobody sees. Name all tables, and the function in functions`,
    writes: false,
  }
}

/** As to_regclass expects it. */
function quotedName({ schema, name }: Relation): string {
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
