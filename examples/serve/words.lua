-- For wrk: one word in each request, from the file WORDS, in its order again and again; with OPENNMT=1 as OpenNMT-py's server
-- is asked, letter by letter.
--
--     WORDS=words.txt wrk -t1 -c64 -d10s -s examples/serve/words.lua http://127.0.0.1:8080

local requests = {}
local at = 0

function init()
    for word in io.lines(os.getenv("WORDS")) do
        if os.getenv("OPENNMT") then
            local letters = word:gsub("[%z\1-\127\194-\244][\128-\191]*", "%0 "):gsub(" $", "")
            local body = '[{"src": "' .. letters .. '", "id": 0}]'
            requests[#requests + 1] = wrk.format("POST", "/translator/translate", nil, body)
        else
            requests[#requests + 1] = wrk.format("POST", "/translate", nil, '{"lines": ["' .. word .. '"]}')
        end
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.status + errors.timeout + errors.connect + errors.read + errors.write
    local rate = summary.requests / summary.duration * 1e6
    local p50, p99 = latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
    print(string.format("%.0f requests/s, p50 %.1f ms, p99 %.1f ms, %d failed", rate, p50, p99, failed))
end
