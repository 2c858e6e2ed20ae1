"""What happens to the state of a partition within one call, in Lua: compared, changed and moved, or nothing at all."""

from collections.abc import Sequence
from hashlib import sha1
from typing import Final

from redis.exceptions import NoScriptError

from news_shared.redis_client import RedisClient, awaited

# Keys of the runtime stand behind those of the service's body, which so sees its own from 1 on.
_COMPARE: Final = """
local NKEYS, NARGS = #KEYS - 5, #ARGV - 10
local LIVE, STATE, AS_OF, LEASE = KEYS[NKEYS + 1], KEYS[NKEYS + 2], KEYS[NKEYS + 3], KEYS[NKEYS + 4]
local REPLAY, replayed = KEYS[NKEYS + 5], ARGV[NARGS + 8]
local generation, expected, fingerprint = ARGV[NARGS + 1], ARGV[NARGS + 2], ARGV[NARGS + 3]
local token, next_offset, next_fingerprint, as_of = ARGV[NARGS + 4], ARGV[NARGS + 5], ARGV[NARGS + 6], ARGV[NARGS + 7]
local effects_before, change = ARGV[NARGS + 9], ARGV[NARGS + 10]
local stored = redis.call('HMGET', STATE, 'next', 'fingerprint', 'restorer', 'effects')
local effects = stored[4] or ''
-- The client has sent again a call whose answer was lost.
if change ~= '' and effects == change then return {'ok', stored[1], stored[2], effects} end
local live = redis.call('HGET', LIVE, 'generation')
if token ~= '' and redis.call('GET', LEASE) ~= token then
  return {'lease', stored[1], stored[2]}
end
if generation ~= '' and live ~= generation then
  return {'generation', stored[1], stored[2]}
end
if expected == 'restoring' then
  if stored[1] or stored[3] ~= fingerprint then return {'offset', stored[1], stored[2]} end
elseif stored[1] ~= expected or stored[2] ~= fingerprint then
  return {'offset', stored[1], stored[2]}
end
-- A fail-over may lose effects that did not move the offset: what was settled, restored or applied again.
if effects ~= effects_before then return {'effects', stored[1], stored[2]} end
if replayed ~= '' and redis.call('LREM', REPLAY, 1, replayed) == 0 then return {'ok', stored[1], stored[2], effects} end
"""
# Another name each time, so that who has kept an answer sees whether it may have changed; a fail-over brings the name
# back that the state had.
_NAME_EFFECTS: Final = """
effects = change
redis.call('HSET', STATE, 'effects', effects)
redis.call('HSET', LIVE, 'changed', effects)
"""
_ADVANCE: Final = """
if next_offset ~= '' then
  redis.call('HSET', STATE, 'next', next_offset, 'fingerprint', next_fingerprint)
  -- A watch over a partition that stands still says nothing of the record that it stands at.
  if next_offset ~= stored[1] then redis.call('HDEL', STATE, 'attempts', 'restorer') end
end
if as_of ~= '' then redis.call('HSET', AS_OF, STATE, as_of) end
return {'ok', next_offset, next_fingerprint, effects}
"""
_READ_AS_OF: Final = """
local results = {}
for i, command in ipairs(cjson.decode(ARGV[1])) do results[i] = redis.call(unpack(command)) end
local stored = redis.call('HMGET', KEYS[2], 'next', 'fingerprint', 'effects')
return {redis.call('HGET', KEYS[1], 'generation'), stored[1], stored[2], stored[3] or '', results}
"""
_BEGIN_RESTORE: Final = """
if redis.call('HEXISTS', KEYS[2], 'next') == 1 then return 0 end
redis.call('HSETNX', KEYS[1], 'generation', ARGV[1])
redis.call('HSET', KEYS[2], 'restorer', ARGV[2])
redis.call('HDEL', KEYS[2], 'effects')
return 1
"""


class Script:
    """A Lua script that loads itself where it is missing, also on a node that took over a moment ago."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._sha = sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def run(
        self, redis: RedisClient, keys: Sequence[str | bytes], args: Sequence[str | bytes | int | float]
    ) -> object:
        """What the script returns, by the protocol."""
        try:
            return await awaited(redis.evalsha(self._sha, len(keys), *keys, *args))
        except NoScriptError:
            return await awaited(redis.eval(self._text, len(keys), *keys, *args))


def applying(body: str) -> Script:
    """Compare, name and apply the effects by a service's body, and move on."""
    return Script(f"{_COMPARE}{_NAME_EFFECTS}do\n{body}\nend\n{_ADVANCE}")


MOVING: Final = Script(_COMPARE + _ADVANCE)
"""Compare and move on."""
READING: Final = Script(_READ_AS_OF)
"""Read commands, and where the state is."""
BEGINNING_TO_RESTORE: Final = Script(_BEGIN_RESTORE)
"""Shut out whoever restored before; 0 when there is state by now."""
