"""API Gateway, REST APIs: stages, and what they log."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "apigateway",
        "GetRestApis",
        "items",
        "AWS::ApiGateway::RestApi",
        resource_id="id",
        name="name",
        created="createdDate",
        action="apigateway:GET",
    ),
    Call(
        "apigateway",
        "GetStages",
        "item",
        "AWS::ApiGateway::Stage",
        about="restApiId",
        name="stageName",
        created="createdDate",
        for_each="apigateway:GetRestApis",
        given={"restApiId": "id"},
        action="apigateway:GET",
    ),
)
