// Everything that must be one atomic step in Redis and is no single command. A script touches no key but those it is given.
import { createHash } from 'node:crypto'

/** A Lua script and the name by which the server knows it once it has it. */
export interface Script {
  readonly body: string
  readonly sha: string
}

function script(body: string): Script {
  return { body, sha: createHash('sha1').update(body).digest('hex') }
}

/** Without a flag the server refuses a script that may write when it is out of memory. */
const REFUSED_WHEN_FULL = '#!lua\n'
/** What removes, or overwrites in place, must work when the server is out of memory. */
const ALSO_WHEN_FULL = '#!lua flags=allow-oom\n'

/** KEYS: key. ARGV: expected first bytes, new value, life in ms. 1 when stored. A key of another type is not what was expected. */
export const SWAP = script(`${REFUSED_WHEN_FULL}
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

/** KEYS: keys. ARGV: per key expected first bytes, new value, life in ms. Per key 1 when stored. */
export const SWAP_MANY = script(`${REFUSED_WHEN_FULL}
local stored = {}
for i = 1, #KEYS do
  local expected = ARGV[3 * i - 2]
  if redis.pcall('GETRANGE', KEYS[i], 0, #expected - 1) == expected then
    redis.call('SET', KEYS[i], ARGV[3 * i - 1], 'PX', ARGV[3 * i])
    stored[i] = 1
  else
    stored[i] = 0
  end
end
return stored`)

/** KEYS: keys. ARGV: per key a lease and its life in ms. Per key what stands there already, or nil where the lease was planted. */
export const CLAIM_MANY = script(`${REFUSED_WHEN_FULL}
local standing = {}
for i = 1, #KEYS do
  standing[i] = redis.call('SET', KEYS[i], ARGV[2 * i - 1], 'PX', ARGV[2 * i], 'NX', 'GET')
end
return standing`)

/** KEYS: keys. ARGV: per key its new value and its life in ms. */
export const PUT_MANY = script(`${REFUSED_WHEN_FULL}
for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[2 * i - 1], 'PX', ARGV[2 * i]) end
return 1`)

/** KEYS: key. ARGV: expected first bytes. 1 when removed. */
export const REMOVE_IF = script(`${ALSO_WHEN_FULL}
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1])
return 1`)

/**
 * KEYS: key. ARGV: expected first bytes, new value, life in ms. Stores where the key begins as expected, else removes it; what was
 * stored already by the same command, sent twice, stays.
 */
export const REPLACE_OR_REMOVE = script(`${REFUSED_WHEN_FULL}
local head = redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1)
if head == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
elseif head ~= string.sub(ARGV[2], 1, #ARGV[1]) then
  redis.call('UNLINK', KEYS[1])
end
return 1`)

/** KEYS: key. ARGV: expected first bytes, life in ms. 1 when renewed. */
export const EXTEND_IF = script(`${ALSO_WHEN_FULL}
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

/**
 * KEYS: key. ARGV: the new stamp. A live entry (magic C7 1E, format 1, state 1 or 2) gets the stamp and keeps its life;
 * whatever else stands there is removed.
 */
export const EXPIRE_ENTRY = script(`${ALSO_WHEN_FULL}
local stamp = redis.pcall('GETRANGE', KEYS[1], 0, 15)
local head = type(stamp) == 'string' and #stamp == 16 and string.sub(stamp, 1, 4)
if head == '\\199\\30\\1\\1' or head == '\\199\\30\\1\\2' then
  redis.call('SETRANGE', KEYS[1], 0, ARGV[1])
else
  redis.call('UNLINK', KEYS[1])
end
return 1`)

/** KEYS: key. ARGV: lease, life in ms. `SET NX GET` for a server that is out of memory: a lease is small and short-lived. */
export const CLAIM_WHEN_FULL = script(`${ALSO_WHEN_FULL}
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX', 'GET')`)

/**
 * KEYS: stream, then token keys. ARGV: field ('' appends nothing), announcement, longest stream, then per token key its new soft half
 * or '' to remove it. Answers the id of what was appended. A stream key of another type is replaced.
 */
export const ANNOUNCE = script(`${ALSO_WHEN_FULL}
local gone = {}
for i = 2, #KEYS do
  local soft = ARGV[i + 2]
  if soft ~= '' and redis.pcall('STRLEN', KEYS[i]) == 32 then
    redis.call('SETRANGE', KEYS[i], 16, soft)
  else
    gone[#gone + 1] = KEYS[i]
  end
end
for first = 1, #gone, 1000 do
  redis.call('UNLINK', unpack(gone, first, math.min(first + 999, #gone)))
end
if ARGV[1] == '' then return '' end
local id = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', ARGV[1], ARGV[2])
if type(id) == 'table' and id.err then
  redis.call('UNLINK', KEYS[1])
  id = redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2])
end
return id`)

/** KEYS: key. Answers what its value begins with: a stamp and more, or a whole token. From the master, which GETRANGE might not be. */
export const READ_HEAD = script(`${ALSO_WHEN_FULL}
return redis.call('GETRANGE', KEYS[1], 0, 31)`)

const LOG_SINCE = `
local log = false
if ARGV[2] ~= '' then
  local at = redis.pcall('XRANGE', KEYS[1], ARGV[2], ARGV[2])
  if at.err == nil and #at == 1 then
    log = redis.call('XRANGE', KEYS[1], '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
    if #log >= tonumber(ARGV[3]) then log = false end
  end
end
return {tokens, log}`

/**
 * KEYS: stream, then token keys. ARGV: life in ms, position ('' for none), most announcements, then a candidate per token key.
 * What is planted is made of the candidate and the moment: a command that is executed once more, by a client that resends it, must not
 * plant a token that was invalidated in between. A token is given a third more than was asked for, so that it is seldom renewed: a renewal is
 * a write, which a tracking bus tells everybody.
 * Answers the tokens, planted where there were none, and the entries after the position, or nil if the log no longer holds it:
 * while the position's own entry is there, nothing after it was trimmed.
 */
export const ENSURE_TOKENS = script(`${REFUSED_WHEN_FULL}
local keepMs = tonumber(ARGV[1])
local givenMs = math.ceil(keepMs * 4 / 3)
local now = redis.call('TIME')
local tokens = {}
for i = 2, #KEYS do
  local held = redis.pcall('GET', KEYS[i])
  if type(held) == 'string' and #held == 32 then
    if redis.call('PTTL', KEYS[i]) < keepMs then redis.call('PEXPIRE', KEYS[i], givenMs) end
    tokens[i - 1] = held
  else
    local token = string.sub(redis.sha1hex(ARGV[i + 2] .. now[1] .. '.' .. now[2]), 1, 32)
    redis.call('SET', KEYS[i], token, 'PX', givenMs)
    tokens[i - 1] = token
  end
end
${LOG_SINCE}`)

/** The same without planting: nil where there is no token. */
export const READ_TOKENS = script(`${ALSO_WHEN_FULL}
local tokens = {}
for i = 2, #KEYS do
  local held = redis.pcall('GET', KEYS[i])
  tokens[i - 1] = type(held) == 'string' and held
end
${LOG_SINCE}`)

/** Loaded into each server when its connection stands, so that none is missing in the middle of a batch. */
export const ALL_SCRIPTS: readonly Script[] = [
  SWAP,
  SWAP_MANY,
  CLAIM_MANY,
  PUT_MANY,
  REMOVE_IF,
  REPLACE_OR_REMOVE,
  EXTEND_IF,
  EXPIRE_ENTRY,
  CLAIM_WHEN_FULL,
  ANNOUNCE,
  ENSURE_TOKENS,
  READ_TOKENS,
  READ_HEAD,
]
