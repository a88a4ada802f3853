// Package peers holds the function that both programs serve.
package peers

import "core-runtime/functions/events"

// Handle answers as the benches' other handlers do.
func Handle(events.APIGatewayProxyRequest) (interface{}, error) {
	return map[string]interface{}{"statusCode": 201, "body": map[string]string{"message": "Executed properly"}}, nil
}
