-- orc_control: what orc-gateway says to NGINX over the unix socket, and the pages that NGINX answers itself.
--
--   GET /state      "orc1 VERSION MASTER CONF\n": the table's version, the master's process id, the hash of the
--                   configuration that this worker runs
--   GET /table      the table's text, as it was put
--   PUT /table      stores a table. Answers what GET /in-flight answers, read after the table took effect
--   GET /in-flight  "orc1 VERSION\n", then "SLOT REQUESTS\n" for each draining and each gone endpoint
local shm = require "orc_shm"
local orc_table = require "orc_table"
local orc_balancer = require "orc_balancer"

local M = {}

local function answer(status, text)
    ngx.status = status
    ngx.header["Content-Type"] = "text/plain"
    ngx.header["Content-Length"] = #text
    ngx.print(text)
end

-- Waiting requests are few; the table is read again only when its version moved.
local watched, watched_version = {}, 0

local function in_flight()
    local version = shm.header().version
    if version ~= watched_version then
        local _, slots = orc_table.parse(shm.text(version) or "orc1 0\n")
        watched, watched_version = {}, version
        for slot, t in pairs(slots or {}) do
            if t.state == "d" or t.state == "g" then
                watched[#watched + 1] = slot
            end
        end
    end
    local out = { "orc1 " .. version .. "\n" }
    for _, slot in ipairs(watched) do
        out[#out + 1] = slot .. " " .. shm.in_flight(slot) .. "\n"
    end
    return table.concat(out)
end

local function put_table()
    ngx.req.read_body()
    local text = ngx.req.get_body_data()
    if not text then
        return answer(400, "a table is sent whole, in one body of at most 8 MiB\n")
    end
    local parsed, slots = orc_table.parse(text)
    if not parsed then
        return answer(400, slots .. "\n")
    end
    for slot in pairs(slots) do
        if slot >= shm.SLOTS then
            return answer(400, "slot " .. slot .. ": there are " .. shm.SLOTS .. "\n")
        end
    end
    local version, err = shm.store(text)
    if not version then
        return answer(507, "the table does not fit: " .. err .. "\n")
    end
    answer(200, in_flight())
end

function M.table()
    local method = ngx.req.get_method()
    if method == "PUT" then
        return put_table()
    elseif method ~= "GET" then
        return answer(405, "GET or PUT\n")
    end
    local text = shm.text(shm.header().version)
    if not text then
        return answer(404, "no table yet\n")
    end
    answer(200, text)
end

function M.in_flight()
    answer(200, in_flight())
end

function M.state(conf)
    answer(200, "orc1 " .. shm.header().version .. " " .. shm.master() .. " " .. conf .. "\n")
end

-- ---- pages

-- What a client sees when its service did not answer. Names nothing that is not the client's.
function M.failed()
    local id = ngx.var.orc_request_id
    local status, text = ngx.status, "The service did not answer properly."
    if orc_balancer.had_no_endpoint() then
        status, text = 503, "The service has no healthy instance at the moment."
        ngx.header["Retry-After"] = "1"
    elseif status == 504 then
        text = "The service did not answer in time."
    elseif status < 500 then
        status = 502
    end
    answer(status, text .. " Request " .. id .. ".\n")
end

return M
