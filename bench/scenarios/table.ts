// The table of the scenarios: 100,000 rows, no index that helps.

export const WORDS = 200
export const CATEGORIES = 50
const ROWS = 100_000

/** Row `i` is about the word `w(i mod 200)`; the text around it makes a search read some 60 MB. */
export const CREATE_TABLE = `
  CREATE TABLE items AS
  SELECT i AS id, 'item ' || i AS title, (i % 1000) / 10.0 AS price,
         repeat(md5(i::text), 18) || ' w' || (i % ${WORDS}) || ' end' AS description
  FROM generate_series(1, ${ROWS}) AS i;
  VACUUM ANALYZE items;`

export const SEARCH = `
  SELECT id, title, price::float FROM items
  WHERE lower(description) LIKE '%' || $1::text || ' end' ORDER BY price, id LIMIT 10`

export function wordOf(rank: number): string {
  return `w${rank}`
}
