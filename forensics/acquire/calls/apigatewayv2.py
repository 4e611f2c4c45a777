"""API Gateway, HTTP and WebSocket APIs: stages, and what they log."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "apigatewayv2",
        "GetApis",
        "Items",
        "AWS::ApiGatewayV2::Api",
        resource_id="ApiId",
        name="Name",
        created="CreatedDate",
        action="apigateway:GET",
    ),
    Call(
        "apigatewayv2",
        "GetStages",
        "Items",
        "AWS::ApiGatewayV2::Stage",
        about="ApiId",
        name="StageName",
        created="CreatedDate",
        for_each="apigatewayv2:GetApis",
        given={"ApiId": "ApiId"},
        action="apigateway:GET",
    ),
)
