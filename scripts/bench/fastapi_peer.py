"""The weather advisor's /invoke as FastAPI tutorials build it: what the agent's speed is compared with.

It does what the agent does for a request, each with the usual library or in the usual way: pydantic
validates, slowapi limits, prometheus_client counts, a dict keyed by canonical JSON caches for a time,
and every answer has a request id. Serve it with one uvicorn worker.
"""

import json
import time
import uuid

from fastapi import FastAPI, Request
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, ConfigDict, Field
from slowapi import Limiter
from slowapi.util import get_remote_address

TTL = 300


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")
    city: str = Field(min_length=1, max_length=80)
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    activity_type: str = "any"
    temperature_preference: float | None = Field(default=None, ge=-50, le=60)
    days: int = Field(default=3, ge=1, le=7)
    tags: list[str] = Field(default=[], max_length=5)


class InvokeRequest(BaseModel):
    input: Input
    config_id: str | None = None
    metadata: dict | None = None


app = FastAPI()
limiter = Limiter(key_func=get_remote_address)
app.state.limiter = limiter
requests_total = Counter("acp_agent_requests_total", "Requests", ["endpoint", "status"])
duration = Histogram("acp_agent_request_duration_seconds", "Time", ["endpoint"])
cache: dict[str, tuple[float, dict]] = {}


@app.middleware("http")
async def observe(request: Request, call_next):
    began = time.perf_counter()
    response = await call_next(request)
    endpoint = request.url.path
    requests_total.labels(endpoint=endpoint, status=response.status_code).inc()
    duration.labels(endpoint=endpoint).observe(time.perf_counter() - began)
    response.headers["X-Request-Id"] = uuid.uuid4().hex
    return response


@app.get("/health")
async def health():
    return {"status": "healthy"}


@app.post("/invoke")
@limiter.limit("4000000000/minute")
async def invoke(request: Request, body: InvokeRequest):
    began = time.perf_counter()
    key = f"{body.config_id} " + json.dumps(
        body.input.model_dump(exclude_unset=True), sort_keys=True, separators=(",", ":")
    )
    now = time.monotonic()
    kept = cache.get(key)
    if kept and now - kept[0] < TTL:
        output = {**kept[1], "_from_cache": True}
    else:
        output = advise(body.input)
        cache[key] = (now, output)
    spent = (time.perf_counter() - began) * 1000
    return {"output": output, "metadata": {"agent_id": "peer", "execution_time_ms": spent}}


def advise(question: Input) -> dict:
    """Something of the agent's length: what it says does not matter, as all but one are hits."""
    recommendations = [
        "Take an umbrella or a waterproof jacket.",
        "Wear shoes that can get wet.",
        "Warm up longer than you otherwise would.",
    ]
    return {
        "city": question.city,
        "condition": "rain",
        "summary": "It is rainy at 11.5 degrees.",
        "temperature": 11.5,
        "units": "celsius",
        "language": "en",
        "activity_type": question.activity_type,
        "recommendation": recommendations[0],
        "recommendations": recommendations,
        "confidence": 0.9,
        "tags": question.tags,
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "agent_id": "peer",
    }
