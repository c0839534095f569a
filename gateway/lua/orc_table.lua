-- orc_table: reads the table's text, as gateway/table_text.c writes it.
--
--   orc1 REVISION                          etcd's revision that the table stands for
--   T SLOT STATE TASK NODE LEASE ADDRESS   an endpoint; STATE r(eady) d(raining) s(uspect) g(one, still counted)
--   B BACKEND                              16 hex digits: a route's upstream; its members follow
--   E SLOT PORT
--
-- Knows nothing of NGINX's phases or of how an endpoint is chosen.
local M = {}

-- Returns backends by id, each { ready = {peer...}, suspect = {peer...} }, and slots by number, each
-- { slot, state, task, addr }; or nil and why.
function M.parse(text)
    if text:sub(1, 5) ~= "orc1 " then
        return nil, "not a table of orc"
    end
    local slots, backends, backend = {}, {}, nil
    for kind, rest in text:gmatch("([TBE]) ([^\n]*)\n") do
        if kind == "E" then
            local slot, port = rest:match("^(%d+) (%d+)$")
            local t = slots[tonumber(slot)]
            if not t or not backend then
                return nil, "a member without its endpoint or backend: E " .. rest
            end
            local list = t.state == "r" and backend.ready or t.state == "s" and backend.suspect
            if list then
                list[#list + 1] = { slot = t.slot, addr = t.addr, port = tonumber(port), task = t.task }
            end
        elseif kind == "T" then
            local slot, state, task, addr = rest:match("^(%d+) ([rdsg]) (%S+) %S+ %S+ (%S+)$")
            if not slot then
                return nil, "malformed endpoint: T " .. rest
            end
            slot = tonumber(slot)
            slots[slot] = { slot = slot, state = state, task = task, addr = addr }
        else
            backend = { ready = {}, suspect = {} }
            backends[rest] = backend
        end
    end
    return backends, slots
end

return M
