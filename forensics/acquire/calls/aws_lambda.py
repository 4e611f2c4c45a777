"""Lambda: functions with all that hangs on them; "Actions" in the AWS Lambda API Reference."""

from functools import partial

from forensics.acquire.calls.call import Call
from forensics.acquire.calls.redact import values

_FUNCTION = "AWS::Lambda::Function"
_each = partial(Call, "lambda", for_each="ListFunctions", given={"FunctionName": "FunctionName"}, about="FunctionName")

CALLS = (
    Call(
        "lambda",
        "ListFunctions",
        "Functions",
        _FUNCTION,
        resource_id="FunctionName",
        arn="FunctionArn",
        redact=values,
    ),
    _each(
        "GetFunction",
        "@",
        _FUNCTION,
        resource_id="Configuration.FunctionName",
        arn="Configuration.FunctionArn",
        redact=values,
    ),
    _each(
        "ListVersionsByFunction",
        "Versions",
        "AWS::Lambda::Version",
        resource_id="FunctionName",
        arn="FunctionArn",
        name="Version",
        redact=values,
    ),
    _each("ListAliases", "Aliases", "AWS::Lambda::Alias", arn="AliasArn", name="Name"),
    _each("GetPolicy", "@", "AWS::Lambda::Permission", absent=("ResourceNotFoundException",)),
    _each(
        "ListEventSourceMappings",
        "EventSourceMappings",
        "AWS::Lambda::EventSourceMapping",
        resource_id="UUID",
        arn="EventSourceMappingArn",
    ),
    _each(
        "ListFunctionUrlConfigs",
        "FunctionUrlConfigs",
        "AWS::Lambda::Url",
        arn="FunctionArn",
        name="FunctionUrl",
        created="CreationTime",
    ),
    _each(
        "ListFunctionEventInvokeConfigs",
        "FunctionEventInvokeConfigs",
        "AWS::Lambda::EventInvokeConfig",
        arn="FunctionArn",
    ),
    _each("GetFunctionConcurrency", "@", _FUNCTION),
    _each("GetFunctionCodeSigningConfig", "@", "AWS::Lambda::CodeSigningConfig", arn="CodeSigningConfigArn"),
    Call(
        "lambda",
        "ListLayers",
        "Layers",
        "AWS::Lambda::LayerVersion",
        "LatestMatchingVersion.LayerVersionArn",
        name="LayerName",
    ),
    Call(
        "lambda",
        "ListLayerVersions",
        "LayerVersions",
        "AWS::Lambda::LayerVersion",
        resource_id="LayerVersionArn",
        arn="LayerVersionArn",
        created="CreatedDate",
        for_each="ListLayers",
        given={"LayerName": "LayerName"},
        about="LayerName",
    ),
    Call(
        "lambda",
        "GetLayerVersionByArn",
        "@",
        "AWS::Lambda::LayerVersion",
        resource_id="LayerVersionArn",
        arn="LayerVersionArn",
        created="CreatedDate",
        for_each="GetFunction",
        over="Configuration.Layers",
        given={"Arn": "Arn"},
        about="Arn",
        redact=values,
        action="lambda:GetLayerVersion",
    ),
)
