// Package events holds the shapes of events and results, named as published
// Go functions name them.
package events

// APIGatewayProxyRequest is the event that a function receives.
type APIGatewayProxyRequest struct {
	Resource   string `json:"resource"`
	Path       string `json:"path"`
	HTTPMethod string `json:"httpMethod"`
	// Headers has Title-Case names; repeats are joined by a comma.
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	// QueryStringParameters holds the last value of each name.
	QueryStringParameters           map[string]string             `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string           `json:"multiValueQueryStringParameters"`
	PathParameters                  map[string]string             `json:"pathParameters"`
	StageVariables                  map[string]string             `json:"stageVariables"`
	RequestContext                  APIGatewayProxyRequestContext `json:"requestContext"`
	// Body is text, or base64 when IsBase64Encoded says so.
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded,omitempty"`
}

// APIGatewayProxyRequestContext tells where an event comes from.
type APIGatewayProxyRequestContext struct {
	AccountID    string `json:"accountId"`
	ResourceID   string `json:"resourceId"`
	APIID        string `json:"apiId"`
	ResourcePath string `json:"resourcePath"`
	Stage        string `json:"stage"`
	// EventType is http, cron, nats or the name of another trigger.
	EventType  string `json:"eventType"`
	HTTPMethod string `json:"httpMethod"`
	Path       string `json:"path"`
	// RequestID is the invocation id.
	RequestID  string                    `json:"requestId"`
	Identity   APIGatewayRequestIdentity `json:"identity"`
	Authorizer map[string]interface{}    `json:"authorizer"`
	// Schedule is set for cron only.
	Schedule *Schedule `json:"schedule,omitempty"`
}

// APIGatewayRequestIdentity is what is known of the caller.
type APIGatewayRequestIdentity struct {
	SourceIP string `json:"sourceIp"`
}

// Schedule names the tick that made a cron event.
type Schedule struct {
	Name string `json:"name"`
	// Occurrence is the planned time, ISO 8601 in UTC.
	Occurrence string `json:"occurrence"`
}

// APIGatewayProxyResponse is a result with status and headers.
type APIGatewayProxyResponse struct {
	// StatusCode is 200 when left out.
	StatusCode        int                 `json:"statusCode,omitempty"`
	Headers           map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded,omitempty"`
}
