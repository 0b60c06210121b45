// Why a bar is not reached, by what is measured, and by framework where it differs.
export const REASONS: Readonly<Record<string, string>> = {
  'uncached hono': 'the adapter makes a real request and response of the light ones of @hono/node-server',
}
